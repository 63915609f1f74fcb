/** The links of a Markdown page that lead to files of this repository. */
import { posix } from 'node:path';
import type { SourceFile } from './tree.ts';

/** Paths from the repository's root, without anchors. Links to the web, to mail and inside the page are none. */
export function linkedFiles({ path, text }: SourceFile): readonly string[] {
  const prose = text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '');
  const links = [
    ...[...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+["'][^)]*)?\)/g)].map(([, to = '']) => to),
    ...[...prose.matchAll(/^\[[^\]]+\]:\s*<?([^\s>]+)>?/gm)].map(([, to = '']) => to),
    ...[...prose.matchAll(/<(?:img|a|source)\b[^>]*?\b(?:src|href|srcset)="([^"]+)"/g)].map(([, to = '']) => to),
  ];
  return links
    .filter((to) => !/^(?:[a-z][a-z0-9+.-]*:|\/\/|#)/i.test(to))
    .map((to) => posix.join(to.startsWith('/') ? '.' : posix.dirname(path), decodeURI(to.replace(/[?#].*$/, ''))));
}
