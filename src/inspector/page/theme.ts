/**
 * Light or dark: as the system has it until somebody says otherwise; what was said is kept by this browser. `data-theme` of the
 * page always says which of the two it is, so that style sheets have one place for each colour.
 */
import { computed, effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const KEPT = 'switchover.theme';

export const theme = signal<Theme>(kept());

const system = matchMedia('(prefers-color-scheme: dark)');
const isSystemDark = signal(system.matches);
system.addEventListener('change', ({ matches }) => {
  isSystemDark.value = matches;
});

/** What is shown. */
export const scheme = computed((): 'light' | 'dark' => {
  if (theme.value !== 'system') return theme.value;
  return isSystemDark.value ? 'dark' : 'light';
});

effect(() => {
  document.documentElement.dataset.theme = scheme.value;
});

effect(() => {
  try {
    localStorage.setItem(KEPT, theme.value);
  } catch {
    // A page from disk may not be allowed to keep anything.
  }
});

export function nextTheme(): void {
  const order: readonly Theme[] = ['system', 'light', 'dark'];
  theme.value = order[(order.indexOf(theme.value) + 1) % order.length] as Theme;
}

function kept(): Theme {
  try {
    const found = localStorage.getItem(KEPT);
    return found === 'light' || found === 'dark' ? found : 'system';
  } catch {
    return 'system';
  }
}
