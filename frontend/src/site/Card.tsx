/** A card about one side of how Jira is attached. */
import Heading from '@atlaskit/heading';
import type { ReactNode } from 'react';

export function Card({ title, word, children }: { title: string; word?: ReactNode; children: ReactNode }) {
  return (
    <section className="mb-card" aria-label={title}>
      <div className="mb-card-head">
        <Heading size="small" as="h3">
          {title}
        </Heading>
        {word}
      </div>
      {children}
    </section>
  );
}
