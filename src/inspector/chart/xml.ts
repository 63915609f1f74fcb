/** Elements and text of XML, with everything escaped that XML 1.0 forbids in text and attributes. */

export function escapeXml(text: string): string {
  return [...text].map(escapeCharacter).join('');
}

function escapeCharacter(character: string): string {
  switch (character) {
    case '&':
      return '&amp;';
    case '<':
      return '&lt;';
    case '>':
      return '&gt;';
    case '"':
      return '&quot;';
    case "'":
      return '&#39;';
    case '\n':
    case '\t':
      return character;
    default:
      return isAllowed(character.codePointAt(0) ?? 0) ? character : '\u{FFFD}';
  }
}

/** XML 1.0, production 2 (Char): other control characters and lone surrogates cannot be written at all. */
function isAllowed(code: number): boolean {
  if (code === 0xd) return true;
  return (code >= 0x20 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0xfffd) || code >= 0x10000;
}

/** `children` is XML already; attribute values are escaped here, newlines in them kept. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  children?: string,
): string {
  const list = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escapeXml(String(value)).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')}"`)
    .join('');
  return children === undefined || children === '' ? `<${name}${list}/>` : `<${name}${list}>${children}</${name}>`;
}
