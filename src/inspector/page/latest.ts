/** Questions of which only the latest counts: one is under way at a time, and what was asked meanwhile is asked next, once. */

/** Asks, now or as soon as the one before has been answered; a question that is refused is forgotten. */
export type AskLatest<T> = (question: () => Promise<T>) => void;

/** `take` is given each answer that comes. */
export function askingLatest<T>(take: (answer: T) => void): AskLatest<T> {
  let wanted: (() => Promise<T>) | undefined;
  let isAsking = false;
  const next = async (): Promise<void> => {
    while (wanted !== undefined) {
      const question = wanted;
      wanted = undefined;
      try {
        take(await question());
      } catch {
        // Whoever asks shows what went wrong, or keeps what was there.
      }
    }
    isAsking = false;
  };
  return (question) => {
    wanted = question;
    if (isAsking) return;
    isAsking = true;
    void next();
  };
}
