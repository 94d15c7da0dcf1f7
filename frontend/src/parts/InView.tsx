/** A message that comes up somewhere below: the page scrolls to it, and assistive technology reads it. */
import { useEffect, useRef, type ReactNode } from 'react';

interface Props {
  /** `alert` interrupts, `status` waits for a pause. */
  role: 'alert' | 'status';
  children: ReactNode;
}

export function InView({ role, children }: Props) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // In a block: newer browsers answer with a promise, which React would take for a clean-up.
    place.current?.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  }, []);
  return (
    <div ref={place} role={role} className="mb-message">
      {children}
    </div>
  );
}
