/** Where mail comes from: the address, the kind of mailbox, its provider and its server. */
import Checkbox from '@atlaskit/checkbox';
import SectionMessage from '@atlaskit/section-message';
import { useState } from 'react';
import type { Api } from '../api/client';
import type { Kind } from '../api/types/mailboxes';
import type { Presets } from '../api/types/presets';
import type { Errors } from '../forms/connection';
import { hasServer, type MailboxDraft } from '../forms/mailbox';
import { withAddress, withHost, withKind, withPreset, withSecurity } from '../forms/providers';
import { Choice, type Option } from '../parts/Choice';
import { Egress } from '../parts/Egress';
import { CertificateField, HostFields } from '../parts/ServerFields';
import { TextField } from '../parts/TextField';
import { WaysToLogIn } from './WaysToLogIn';

interface Props {
  api: Api;
  /** The stored mailbox's id. */
  id: string | null;
  draft: MailboxDraft;
  errors: Errors;
  change: (draft: MailboxDraft, field: string) => void;
  presets: Presets;
  hasSecret: boolean;
}

export function SourceFields(props: Props) {
  const { draft, errors, change, presets } = props;
  return (
    <fieldset className="mb-group">
      <legend>Mailbox</legend>
      <div className="mb-row">
        <TextField
          label="Address"
          name="address"
          isRequired
          inputMode="email"
          placeholder="support@example.com"
          hint="The address people write to, and that replies come back to."
          value={draft.address}
          error={errors.address}
          onChange={(address) => change(withAddress(draft, address), 'address')}
        />
        <KindChoice {...props} />
      </div>
      {presets.refused && (
        <SectionMessage appearance="error" title="This mailbox cannot be read">
          <p>{presets.refused}</p>
        </SectionMessage>
      )}
      {draft.kind === 'push' && (
        <SectionMessage appearance="information" title="Mail is brought to Mailbridge">
          <p>
            Your mail server (Postfix, Exim, procmail) or a mail service (Amazon SES, Mailgun, SendGrid, Postmark) hands each mail
            over. Save the mailbox: then it gives you a token and the commands to use it with.
          </p>
        </SectionMessage>
      )}
      {hasServer(draft) && (
        <>
          <Choice
            label="Provider"
            value={draft.preset ?? OWN}
            options={providerOptions(presets)}
            hint={providerHint(draft, presets)}
            error={errors.preset}
            onChange={(id) => {
              const preset = presets.presets.find((one) => one.id === id) ?? null;
              change(withPreset(draft, preset, presets.providers), 'preset');
            }}
          />
          <HostFields
            example={draft.kind === 'pop3' ? 'pop.example.com' : 'imap.example.com'}
            draft={draft}
            errors={errors}
            change={change}
            withHost={(before, host) => withHost(before, host, presets.providers)}
            withSecurity={withSecurity}
          />
        </>
      )}
      {draft.kind === 'pop3' && (
        <SectionMessage appearance="warning" title="POP3 providers may delete mail on their own">
          <p>
            Some remove what a program has fetched, whatever it asked for: Gmail has a setting for it under “Forwarding and POP/IMAP”.
            POP3 also knows neither folders nor read marks. Choose IMAP where you can.
          </p>
        </SectionMessage>
      )}
      {draft.kind !== 'push' && <WaysToLogIn {...props} />}
      {hasServer(draft) && (
        <>
          <CertificateField draft={draft} change={change} />
          <IdentityField draft={draft} change={change} />
        </>
      )}
      {hasServer(draft) && <Egress addresses={presets.egress} />}
    </fieldset>
  );
}

const OWN = '';

function providerOptions({ presets }: Presets): Option<string>[] {
  return [
    { value: OWN, label: 'Another one, or a server of your own', of: OWN },
    ...presets.map(({ id, name }) => ({ value: id, label: name, of: id })),
  ];
}

function providerHint(draft: MailboxDraft, { presets, suggested }: Presets): string | undefined {
  const preset = presets.find(({ id }) => id === draft.preset);
  if (preset) return preset.id === suggested ? `Found by the address. The server’s fields are filled in for you.` : undefined;
  return 'Choose one to have the server’s fields filled in.';
}

type Choosable = Kind | 'ews';

const KINDS: readonly Option<Choosable>[] = [
  { value: 'imap', label: 'IMAP', of: 'imap' },
  { value: 'graph', label: 'Microsoft 365 (Exchange Online)', of: 'graph' },
  { value: 'pop3', label: 'POP3', of: 'pop3' },
  { value: 'push', label: 'Pushed mail (your server or a mail service)', of: 'push' },
  { value: 'ews', label: 'Exchange Web Services (EWS)', of: 'ews' },
];

function KindChoice({ draft, errors, change, presets }: Props) {
  const [isEws, setEws] = useState(false);
  return (
    <Choice
      label="Kind of mailbox"
      value={draft.kind}
      options={KINDS}
      error={errors.kind}
      hint={
        isEws && draft.kind === 'graph' ? (
          <span role="status">
            Microsoft blocks EWS from 1 October 2026 and switches it off on 1 April 2027, so it is not offered here. Microsoft 365 is
            chosen instead: it reads the same mailbox by Microsoft Graph. For an Exchange server of your own choose IMAP.
          </span>
        ) : undefined
      }
      onChange={(kind) => {
        if (kind === null) return;
        setEws(kind === 'ews');
        change(withKind(draft, kind === 'ews' ? 'graph' : kind, presets), 'kind');
      }}
    />
  );
}

function IdentityField({ draft, change }: Pick<Props, 'draft' | 'change'>) {
  if (draft.security === 'none' || !draft.validateCertificate) return null;
  return (
    <>
      <Checkbox
        label="The certificate must be for this server’s name"
        name="check_identity"
        isChecked={draft.checkIdentity}
        onChange={(event) => change({ ...draft, checkIdentity: event.currentTarget.checked }, 'check_identity')}
      />
      {!draft.checkIdentity && (
        <SectionMessage appearance="warning" title="Another server with a valid certificate can pretend to be this one">
          <p>Switch this off only where the server is reached by a name that its certificate lacks, inside a network of your own.</p>
        </SectionMessage>
      )}
    </>
  );
}
