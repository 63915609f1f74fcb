/**
 * A chart's picture, made fit to stand in the page. What is drawn in it comes from names in a machine, and a machine may come
 * from anywhere: only the few elements that our drawings consist of are let in, and nothing that runs or loads anything.
 */
import type { Source } from '../source.ts';

const SVG = 'http://www.w3.org/2000/svg';
/** What a drawing consists of (src/inspector/chart/svg.ts). */
const ELEMENTS: ReadonlySet<string> = new Set(['svg', 'title', 'rect', 'g', 'path', 'text', 'circle']);

/** Throws an Error with a sentence for a person. */
export function safePicture(text: string): SVGSVGElement {
  const parsed = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
  if (parsed.namespaceURI !== SVG || parsed.localName !== 'svg') throw new Error('the picture is not an SVG');
  // The page has the drawings' style already; another one would hold for the whole page.
  for (const style of [...parsed.querySelectorAll('style')]) style.remove();
  for (const element of [parsed, ...parsed.querySelectorAll('*')]) {
    if (element.namespaceURI !== SVG || !ELEMENTS.has(element.localName)) {
      throw new Error(`the picture holds <${element.nodeName}>, which no drawing of a chart has: it is not shown`);
    }
    for (const { name, localName, value } of [...element.attributes]) {
      const runs = localName.startsWith('on') || localName === 'href' || localName === 'style' || localName === 'src';
      if (runs || /url\s*\(/i.test(value)) {
        throw new Error(`the picture has an attribute ${name}, which no drawing of a chart has: it is not shown`);
      }
    }
  }
  return document.importNode(parsed as unknown as SVGSVGElement, true);
}

const known = new WeakMap<Source, Map<string, Promise<SVGSVGElement>>>();

/** Of the picture with this name, asked for once; whoever shows it clones it. */
export function pictureNamed(source: Source, name: string): Promise<SVGSVGElement> {
  let pictures = known.get(source);
  if (pictures === undefined) known.set(source, (pictures = new Map()));
  let picture = pictures.get(name);
  if (picture === undefined) {
    picture = source.picture(name).then(safePicture);
    pictures.set(name, picture);
    // A server that was away may be there the next time.
    picture.catch(() => pictures.delete(name));
  }
  return picture;
}
