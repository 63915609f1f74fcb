/** How charts are looked at, whichever is chosen: kept while the view changes to records and back. */
import { signal } from '@preact/signals';

/** Choose the chart that the present record told first. */
export const followsTold = signal(false);
/** All open charts in small, in place of one of them. */
export const overviewOpen = signal(false);
/** Move the picture when what is active would not be seen: until a person has moved it. */
export const keepsInView = signal(true);

/** A person looks at some other place now. */
export function lookedElsewhere(): void {
  keepsInView.value = false;
}

/** Something that the pictures on the page are asked to do, once. */
export const pictureWish = signal<{ readonly wish: 'fit' | 'active'; readonly nth: number } | undefined>(undefined);

export function wishPicture(wish: 'fit' | 'active'): void {
  pictureWish.value = { wish, nth: (pictureWish.peek()?.nth ?? 0) + 1 };
}
