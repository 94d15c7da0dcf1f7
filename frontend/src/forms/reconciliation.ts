/** A comparison of mailbox and ledger in words. */
import type { Reconciliation } from '../api/types/mailboxes';

const MOST = 10;

export function outcomeOfComparison({ unaccounted }: Reconciliation): string {
  return unaccounted === 1 ? 'One message is not in the ledger' : `${unaccounted.toLocaleString()} messages are not in the ledger`;
}

/** The first of the missing ones, a line each. */
export function missingOf({ missing, unaccounted }: Reconciliation): string[] {
  const shown = missing.slice(0, MOST).map((id) => `Message ${id}`);
  const rest = unaccounted - shown.length;
  return rest > 0 && shown.length > 0 ? [...shown, `and ${rest.toLocaleString()} more`] : shown;
}

/** The later of what was asked for here and what is stored (the nightly one). */
export function newest(one: Reconciliation | null, other: Reconciliation | null): Reconciliation | null {
  if (one === null || other === null) return one ?? other;
  return one.at >= other.at ? one : other;
}
