/** A mail's sender in the two parts that people look for. */

export interface Sender {
  name: string;
  /** Null when the name is all there is to show. */
  address: string | null;
}

/** `Cora <cora@example.com>` as name and address; a bare address is its own name. */
export function senderIn(from: string | null): Sender {
  if (from === null || from.trim() === '') return { name: 'Unknown sender', address: null };
  const match = /^"?(.*?)"?\s*<([^<>]*)>$/.exec(from.trim());
  const [name, address] = [match?.[1]?.trim() ?? '', match?.[2]?.trim() ?? from.trim()];
  return name === '' || name === address ? { name: address, address: null } : { name, address };
}
