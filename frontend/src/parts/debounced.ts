/** Waits for a pause in typing before it asks: callers of a burst all get the answer to the last question. */

export function debounced<T>(ask: (text: string) => Promise<T>, pauseMs: number): (text: string) => Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waiting: { found: (value: T) => void; failed: (reason: unknown) => void }[] = [];
  return (text) =>
    new Promise<T>((found, failed) => {
      clearTimeout(timer);
      waiting.push({ found, failed });
      timer = setTimeout(() => {
        const callers = waiting;
        waiting = [];
        ask(text).then(
          (value) => callers.forEach((caller) => caller.found(value)),
          (reason: unknown) => callers.forEach((caller) => caller.failed(reason)),
        );
      }, pauseMs);
    });
}
