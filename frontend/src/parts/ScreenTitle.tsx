/** The title of a screen that takes the place of another: it gets the focus, so that nobody is left where the old one was. */
import Heading from '@atlaskit/heading';
import { useEffect, useRef, type ReactNode } from 'react';

export function ScreenTitle({ children }: { children: ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.focus(), []);
  return (
    <div ref={place} tabIndex={-1} className="mb-screen-title">
      <Heading size="large" as="h1">
        {children}
      </Heading>
    </div>
  );
}
