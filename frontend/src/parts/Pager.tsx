/** Newer and older, for lists whose pages are found by a cursor. */
import Button from '@atlaskit/button/new';
import type { Cursor } from '../api/client';

interface Props {
  /** The cursors of the pages on the way here; empty on the newest page. */
  trail: readonly Cursor[];
  next: Cursor;
  onChange: (trail: readonly Cursor[]) => void;
}

export function Pager({ trail, next, onChange }: Props) {
  if (trail.length === 0 && next === null) return null;
  return (
    <nav className="mb-pager" aria-label="Pages">
      <Button isDisabled={trail.length === 0} onClick={() => onChange(trail.slice(0, -1))}>
        Newer
      </Button>
      <span className="mb-quiet">Page {trail.length + 1}</span>
      <Button isDisabled={next === null} onClick={() => onChange([...trail, next])}>
        Older
      </Button>
    </nav>
  );
}
