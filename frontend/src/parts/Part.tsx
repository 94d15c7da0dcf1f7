/** A part of the page: its heading, what stands beside that, and the rest below. */
import Heading from '@atlaskit/heading';
import type { ReactNode } from 'react';

interface Props {
  /** Tells the heading from those of other parts. */
  id: string;
  title: string;
  beside?: ReactNode;
  children: ReactNode;
}

export function Part({ id, title, beside, children }: Props) {
  return (
    <section className="mb-part" aria-labelledby={`${id}-heading`}>
      <div className="mb-bar">
        <Heading size="medium" as="h2" id={`${id}-heading`}>
          {title}
        </Heading>
        {beside}
      </div>
      {children}
    </section>
  );
}
