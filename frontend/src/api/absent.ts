/** Settings that may not be made yet. */
import { Problem } from './problem';

/** What `ask` finds; null when there is nothing, however the service says so: by 404, or by a value with an empty `key`. */
export async function orNull<T>(ask: Promise<T | null>, key: keyof T): Promise<T | null> {
  try {
    const found = await ask;
    return found?.[key] ? found : null;
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.status === 404) return null;
    throw thrown;
  }
}
