/** What a machine says of itself: a sentence mostly; of a book only the beginning, until somebody asks for the rest. */
import { useState } from 'preact/hooks';

const CHARACTERS_MAX = 600;

export function Description({ text }: { readonly text: string | undefined }) {
  const [whole, setWhole] = useState<string | undefined>(undefined);
  if (text === undefined || text === '') return null;
  const isCut = text.length > CHARACTERS_MAX && whole !== text;
  return (
    <p class="description">
      {isCut ? `${text.slice(0, CHARACTERS_MAX)}… ` : text}
      {isCut && (
        <button type="button" class="link" onClick={() => setWhole(text)}>
          show all
        </button>
      )}
    </p>
  );
}
