/** Erases a person's mail and addresses by their address, and keeps the receipts. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import ModalTransition from '@atlaskit/modal-dialog/modal-transition';
import { useCallback, useState } from 'react';
import type { Api } from '../api/client';
import type { Erasure } from '../api/types/privacy';
import { addressError, countsInWords } from '../forms/privacy';
import { Confirm } from '../parts/Confirm';
import { Form } from '../parts/Form';
import { Moment } from '../parts/Moment';
import type { Notify } from '../parts/Notices';
import { ProblemMessage } from '../parts/ProblemMessage';
import { State } from '../parts/State';
import { Table } from '../parts/Table';
import { TextField } from '../parts/TextField';
import { useForm } from '../parts/useForm';
import { usePolled } from '../parts/usePolled';

const REFRESH_SECONDS = 5;

export function Erasing({ api, notify }: { api: Api; notify: Notify }) {
  const load = useCallback(() => api.erasures(), [api]);
  const { data, problem, refresh } = usePolled(load, REFRESH_SECONDS);
  const [address, setAddress] = useState('');
  const [isAsking, setAsking] = useState(false);
  const { attach, errors, touched, showErrors } = useForm<never>();
  const typed = address.trim();
  return (
    <>
      <Form
        attach={attach}
        onSubmit={() => {
          if (!showErrors(addressError(address))) setAsking(true);
        }}
      >
        <fieldset className="mb-group">
          <legend>Erase a person</legend>
          <p>
            The content of their mail and their address go from Mailbridge everywhere. Issues and comments in Jira stay: they are
            Jira’s, and are erased there.
          </p>
          <TextField
            label="Address of the person"
            name="erase"
            inputMode="email"
            placeholder="carol@example.com"
            value={address}
            error={errors.address}
            onChange={(text) => {
              setAddress(text);
              touched('address');
            }}
          />
        </fieldset>
        <div className="mb-actions">
          <Button type="submit" appearance="danger">
            Erase this person
          </Button>
        </div>
      </Form>
      {problem && <ProblemMessage problem={problem} />}
      {data && data.length > 0 && <Receipts erasures={data} />}
      <ModalTransition>
        {isAsking && (
          <Confirm
            title={`Erase ${typed}?`}
            action="Erase"
            onClose={() => setAsking(false)}
            onConfirm={async () => {
              await api.erase(typed);
              setAddress('');
              notify('success', 'The erasure has begun', 'Its receipt is listed below and tells when it is complete.');
              await refresh();
            }}
          >
            <p>What Mailbridge keeps of mail from and to {typed} is deleted for good. This cannot be taken back.</p>
          </Confirm>
        )}
      </ModalTransition>
    </>
  );
}

/** The address itself is not in a receipt: it is erased too. */
function Receipts({ erasures }: { erasures: readonly Erasure[] }) {
  return (
    <div>
      <Heading size="xsmall" as="h3">
        Receipts
      </Heading>
      <Table columns={['Asked for', 'Receipt', 'State', 'What was erased']}>
        {erasures.map((erasure) => (
          <tr key={erasure.id}>
            <td className="mb-when">
              <Moment at={erasure.asked_at} />
            </td>
            <td>
              <code>{erasure.id}</code>
            </td>
            <td>
              <State
                word={
                  erasure.done_at === null
                    ? { label: 'Under way', appearance: 'information' }
                    : { label: 'Complete', appearance: 'success' }
                }
              />
            </td>
            <td className="mb-why">{erasure.done_at === null ? '' : countsInWords(erasure.counts)}</td>
          </tr>
        ))}
      </Table>
    </div>
  );
}
