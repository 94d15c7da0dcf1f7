/** The addresses that Mailbridge connects from: for whoever keeps the firewall of a mail server. Nothing where the operator names none. */
import { useEffect, useState } from 'react';
import type { Api } from '../api/client';

export function Egress({ addresses }: { addresses: readonly string[] }) {
  if (addresses.length === 0) return null;
  return (
    <p className="mb-hint">
      A mail server with a firewall has to let in {addresses.length === 1 ? 'this address' : 'these addresses'} of Mailbridge:{' '}
      <strong>{addresses.join(', ')}</strong>
    </p>
  );
}

/** Asked once; none until there is an answer. */
export function useEgress(api: Api): readonly string[] {
  const [addresses, setAddresses] = useState<readonly string[]>([]);
  useEffect(() => {
    let isCurrent = true;
    api.presets('').then(
      ({ egress }) => isCurrent && setAddresses(egress),
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [api]);
  return addresses;
}
