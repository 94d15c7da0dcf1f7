/** An instant, short, with all of it on hover. */
import { fullMoment, shortMoment } from './moments';

export function Moment({ at }: { at: number | null }) {
  if (at === null) return <>–</>;
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={fullMoment(at)}>
      {shortMoment(at)}
    </time>
  );
}
