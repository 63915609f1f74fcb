/** A picture of its own for one place in the page, with its lights; or why there is none. */
import { useEffect, useState } from 'preact/hooks';
import { useStore } from '../store.ts';
import { type Boxes, boxesOf } from './boxes.ts';
import { Lights } from './lights.ts';
import { pictureNamed } from './safe-picture.ts';

export interface Drawn {
  readonly name: string;
  readonly svg: SVGSVGElement;
  readonly boxes: Boxes;
  readonly lights: Lights;
}

export interface Undrawn {
  readonly name: string;
  readonly trouble: string;
}

/** Undefined while it is on its way. */
export function usePicture(name: string | undefined): Drawn | Undrawn | undefined {
  const { source } = useStore();
  const [found, setFound] = useState<Drawn | Undrawn | undefined>(undefined);
  useEffect(() => {
    if (name === undefined) return;
    let isWanted = true;
    pictureNamed(source, name).then(
      (picture) => {
        if (!isWanted) return;
        const svg = picture.cloneNode(true) as SVGSVGElement;
        setFound({ name, svg, boxes: boxesOf(picture), lights: new Lights(svg) });
      },
      (error: Error) => {
        if (isWanted) setFound({ name, trouble: error.message });
      },
    );
    return () => {
      isWanted = false;
    };
  }, [source, name]);
  return found?.name === name ? found : undefined;
}

/** Only where the states stand: for a picture in small. */
export function useBoxes(name: string): Boxes | undefined {
  const { source } = useStore();
  const [found, setFound] = useState<{ readonly name: string; readonly boxes: Boxes } | undefined>(undefined);
  useEffect(() => {
    let isWanted = true;
    pictureNamed(source, name).then(
      (picture) => {
        if (isWanted) setFound({ name, boxes: boxesOf(picture) });
      },
      // The large picture says why there is none.
      () => {},
    );
    return () => {
      isWanted = false;
    };
  }, [source, name]);
  return found?.name === name ? found.boxes : undefined;
}
