/** A command to take along: chosen as a whole when it is clicked, and copied by a button. */
import { useState } from 'preact/hooks';

export function CommandLine({ label, text }: { readonly label: string; readonly text: string }) {
  const [copied, setCopied] = useState<string | undefined>();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(text);
    } catch {
      // A page from disk may not be allowed to; the text can be chosen and copied by hand.
      setCopied(undefined);
    }
  };
  return (
    <div class="command-line">
      <span class="soft">{label}</span>
      <code>{text}</code>
      <button type="button" onClick={() => void copy()}>
        {copied === text ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}
