/** Privacy: how long the content of mail is kept, and erasing what belongs to a person. */
import Heading from '@atlaskit/heading';
import type { Api } from '../api/client';
import type { Notify } from '../parts/Notices';
import { Erasing } from './Erasing';
import { KeepingForm } from './KeepingForm';

export function Privacy({ api, notify }: { api: Api; notify: Notify }) {
  return (
    <section className="mb-part mb-form mb-narrow" aria-labelledby="privacy-heading">
      <Heading size="medium" as="h2" id="privacy-heading">
        Privacy
      </Heading>
      <KeepingForm api={api} notify={notify} />
      <Erasing api={api} notify={notify} />
    </section>
  );
}
