/** Hosts answer by callbacks, or never. */

/** What `start` finds, or fails with; an error that begins with `lateness` after `patience` milliseconds. */
export function within<T>(
  patience: number,
  lateness: string,
  start: (found: (value: T) => void, failed: (reason: Error) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = window.setTimeout(() => reject(new Error(`${lateness} within ${patience / 1000} seconds.`)), patience);
    const ended = () => window.clearTimeout(timer);
    start(
      (value) => {
        ended();
        resolve(value);
      },
      (reason) => {
        ended();
        reject(reason);
      },
    );
  });
}
