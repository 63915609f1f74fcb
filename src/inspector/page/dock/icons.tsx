/** The transport's pictures, drawn: fonts differ in which of these glyphs they have. */

const PATHS = {
  first: 'M3 3H5V13H3ZM13 3V13L6 8Z',
  back: 'M11 3V13L4 8ZM12 3H13.5V13H12Z',
  play: 'M4 2.5V13.5L13.5 8Z',
  pause: 'M4 3H7V13H4ZM9 3H12V13H9Z',
  next: 'M5 3V13L12 8ZM2.5 3H4V13H2.5Z',
  last: 'M11 3H13V13H11ZM3 3V13L10 8Z',
} as const;

export function Icon({ name }: { readonly name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
