/** Short messages in a corner that tell that something was done, and go by themselves. */
import AutoDismissFlag from '@atlaskit/flag/auto-dismiss-flag';
import { FlagGroup } from '@atlaskit/flag/flag-group';
import CheckIcon from '@atlaskit/icon/core/check-circle';
import WarningIcon from '@atlaskit/icon/core/status-warning';
import { useCallback, useState } from 'react';

export type Notify = (kind: 'success' | 'error', title: string, detail?: string) => void;

interface Notice {
  id: number;
  kind: 'success' | 'error';
  title: string;
  detail: string | undefined;
}

export interface Notices {
  notices: readonly Notice[];
  notify: Notify;
  dismiss: () => void;
}

export function useNotices(): Notices {
  const [notices, setNotices] = useState<readonly Notice[]>([]);
  const notify = useCallback<Notify>((kind, title, detail) => {
    setNotices((before) => [{ id: (before[0]?.id ?? 0) + 1, kind, title, detail }, ...before].slice(0, 2));
  }, []);
  const dismiss = useCallback(() => setNotices((before) => before.slice(1)), []);
  return { notices, notify, dismiss };
}

const SECONDS = 5;

export function NoticeCorner({ notices, dismiss }: Pick<Notices, 'notices' | 'dismiss'>) {
  return (
    <FlagGroup id="notices" onDismissed={dismiss}>
      {notices.map((notice) => (
        <AutoDismissFlag
          key={notice.id}
          id={notice.id}
          autoDismissSeconds={SECONDS}
          icon={
            notice.kind === 'success' ? (
              <CheckIcon label="Done" color="var(--ds-icon-success)" />
            ) : (
              <WarningIcon label="Failed" color="var(--ds-icon-danger)" />
            )
          }
          title={notice.title}
          description={notice.detail}
        />
      ))}
    </FlagGroup>
  );
}
