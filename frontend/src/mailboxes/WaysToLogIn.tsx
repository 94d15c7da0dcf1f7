/** How Mailbridge logs in to a mailbox: by password, by somebody's sign-in, or by an app's own registration. */
import type { Api } from '../api/client';
import type { Kind } from '../api/types/mailboxes';
import type { Presets } from '../api/types/presets';
import type { Errors } from '../forms/connection';
import { loginKey, LOGINS, loginsOf, PROVIDERS, withLogin } from '../forms/logins';
import type { MailboxDraft } from '../forms/mailbox';
import { withUsername } from '../forms/providers';
import { Choice } from '../parts/Choice';
import { LoginFields } from '../parts/ServerFields';
import { TextArea } from '../parts/TextArea';
import { TextField } from '../parts/TextField';
import { SignIn } from './SignIn';

interface Props {
  api: Api;
  id: string | null;
  draft: MailboxDraft;
  errors: Errors;
  change: (draft: MailboxDraft, field: string) => void;
  presets: Presets;
  hasSecret: boolean;
}

export function WaysToLogIn(props: Props) {
  const { draft, errors, change, presets } = props;
  const ways = loginsOf(draft, presets.providers);
  return (
    <>
      {(ways.length > 1 || draft.auth !== 'password') && (
        <Choice
          label="Log in with"
          value={loginKey(draft)}
          options={ways.map((way) => ({ value: loginKey(way), label: way.label, of: way }))}
          error={errors.auth}
          onChange={(way) => change(withLogin(draft, way ?? LOGINS[2] ?? draft), 'auth')}
        />
      )}
      {draft.auth === 'password' ? <PasswordLogin {...props} /> : <UserName {...props} />}
      {draft.auth === 'oauth' && <PersonLogin {...props} />}
      {draft.auth === 'client_credentials' && <AppLogin {...props} />}
      {draft.auth === 'service_account' && <ServiceAccountLogin {...props} />}
    </>
  );
}

function PasswordLogin({ draft, errors, change, presets, hasSecret }: Props) {
  const preset = presets.presets.find(({ id }) => id === draft.preset);
  return (
    <LoginFields
      needsLogin
      hasSecret={hasSecret}
      passwordHint={preset?.remedy}
      draft={draft}
      errors={errors}
      change={change}
      withUsername={withUsername}
    />
  );
}

function UserName({ draft, errors, change }: Props) {
  return (
    <TextField
      label="User name"
      name="username"
      isRequired
      hint="The mailbox that is read: usually its address."
      value={draft.username}
      error={errors.username}
      onChange={(username) => change(withUsername(draft, username), 'username')}
    />
  );
}

function PersonLogin({ api, id, draft, errors, change, hasSecret }: Props) {
  const provider = draft.provider ?? 'microsoft';
  return (
    <SignIn
      api={api}
      provider={provider}
      kind={draft.kind}
      mailbox={hasSecret ? id : null}
      account={draft.signIn ? (draft.signedInAs ?? 'somebody') : null}
      hint={
        hasSecret
          ? 'The stored sign-in is used; sign in again only if it does not work any more.'
          : `You sign in at ${PROVIDERS[provider]} in a window of its own; Mailbridge never sees the password.`
      }
      error={errors.sign_in}
      onDone={(state, account) => {
        const named = account && draft.username.trim() === '' ? withUsername(draft, account) : draft;
        change({ ...named, signIn: hasSecret ? null : state, signedInAs: account }, 'sign_in');
      }}
    />
  );
}

/** What the registration must be allowed to do, by what the mailbox is read with. */
const PERMISSIONS: Readonly<Record<Kind, string>> = {
  graph: 'Mail.ReadWrite of Microsoft Graph',
  imap: 'IMAP.AccessAsApp of Office 365 Exchange Online',
  pop3: 'POP.AccessAsApp of Office 365 Exchange Online',
  push: '',
};

function AppLogin({ draft, errors, change, hasSecret }: Props) {
  const placeholder = hasSecret ? 'Unchanged' : '';
  return (
    <>
      <p className="mb-hint">
        The registration needs the application permission <strong>{PERMISSIONS[draft.kind]}</strong>, with an administrator’s
        consent, and access to this mailbox.
      </p>
      <div className="mb-row">
        <TextField
          label="Directory (tenant) id"
          name="directory"
          isRequired={!hasSecret}
          placeholder={placeholder}
          value={draft.directory}
          onChange={(directory) => change({ ...draft, directory }, 'secret')}
        />
        <TextField
          label="Application (client) id"
          name="client_id"
          isRequired={!hasSecret}
          placeholder={placeholder}
          value={draft.clientId}
          onChange={(clientId) => change({ ...draft, clientId }, 'secret')}
        />
      </div>
      <div className="mb-row">
        <TextField
          label="Client secret"
          name="secret"
          type="password"
          autoComplete="new-password"
          isRequired={!hasSecret}
          placeholder={placeholder}
          hint="Its value, not its id. Stored encrypted and never shown again."
          value={draft.secret}
          error={errors.secret}
          onChange={(secret) => change({ ...draft, secret }, 'secret')}
        />
        <TextField
          label="Client secret ends on"
          name="secret_expires_at"
          type="date"
          hint="You are warned 30 and 7 days before."
          value={draft.secretExpires}
          error={errors.secret_expires_at}
          onChange={(secretExpires) => change({ ...draft, secretExpires }, 'secret_expires_at')}
        />
      </div>
    </>
  );
}

function ServiceAccountLogin({ draft, errors, change, hasSecret }: Props) {
  return (
    <TextArea
      label="Key file of the service account"
      name="secret"
      isRequired={!hasSecret}
      placeholder={hasSecret ? 'Unchanged' : '{ "type": "service_account", … }'}
      hint="The JSON file that Google Cloud gives. The account needs domain-wide delegation for https://mail.google.com/ in the admin console of Google Workspace."
      value={draft.secret}
      error={errors.secret}
      onChange={(secret) => change({ ...draft, secret }, 'secret')}
    />
  );
}
