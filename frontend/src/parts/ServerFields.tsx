/** How to reach a mail server: what the form of a mailbox and the form of outgoing mail ask alike. */
import Checkbox from '@atlaskit/checkbox';
import SectionMessage from '@atlaskit/section-message';
import type { ReactNode } from 'react';
import type { Security } from '../api/types/servers';
import { SECURITIES, type Errors } from '../forms/connection';
import { Choice } from './Choice';
import { TextField } from './TextField';

export interface ServerDraft {
  host: string;
  port: string;
  security: Security;
  username: string;
  secret: string;
  validateCertificate: boolean;
}

interface Shared<D> {
  draft: D;
  errors: Errors;
  /** `field` is the API's name of what was changed. */
  change: (draft: D, field: string) => void;
}

interface HostProps<D> extends Shared<D> {
  /** What a server's name looks like. */
  example: string;
  /** What else changes with the server's name, and with the security (the port). */
  withHost: (draft: D, host: string) => D;
  withSecurity: (draft: D, security: Security) => D;
}

interface LoginProps<D> extends Shared<D> {
  needsLogin: boolean;
  hasSecret: boolean;
  withUsername: (draft: D, username: string) => D;
  passwordHint?: ReactNode;
}

interface Props<D> extends HostProps<D>, LoginProps<D> {
  legend: string;
}

/** All of it, as a group of its own. */
export function ServerFields<D extends ServerDraft>({ legend, ...props }: Props<D>) {
  return (
    <fieldset className="mb-group">
      <legend>{legend}</legend>
      <HostFields {...props} />
      <LoginFields {...props} />
      <CertificateField {...props} />
    </fieldset>
  );
}

export function HostFields<D extends ServerDraft>({ example, draft, errors, change, withHost, withSecurity }: HostProps<D>) {
  return (
    <>
      <div className="mb-row mb-row-server">
        <TextField
          label="Server"
          name="host"
          isRequired
          placeholder={example}
          inputMode="url"
          value={draft.host}
          error={errors.host}
          onChange={(host) => change(withHost(draft, host), 'host')}
        />
        <Choice
          label="Security"
          value={draft.security}
          options={SECURITIES.map(({ value, label }) => ({ value, label, of: value }))}
          error={errors.security}
          onChange={(security) => security && change(withSecurity(draft, security), 'security')}
        />
        <TextField
          label="Port"
          name="port"
          isRequired
          inputMode="numeric"
          value={draft.port}
          error={errors.port}
          onChange={(port) => change({ ...draft, port }, 'port')}
        />
      </div>
      {draft.security === 'none' && (
        <SectionMessage appearance="warning" title="Password and mail travel unprotected">
          <p>Anyone on the way can read them. Use this only inside a network of your own.</p>
        </SectionMessage>
      )}
    </>
  );
}

export function LoginFields<D extends ServerDraft>(props: LoginProps<D>) {
  const { needsLogin, hasSecret, draft, errors, change, withUsername, passwordHint } = props;
  return (
    <div className="mb-row">
      <TextField
        label="User name"
        name="username"
        isRequired={needsLogin}
        hint={needsLogin ? undefined : 'Leave it empty for a server that asks for no login.'}
        value={draft.username}
        error={errors.username}
        onChange={(username) => change(withUsername(draft, username), 'username')}
      />
      <TextField
        label="Password"
        name="secret"
        type="password"
        autoComplete="new-password"
        isRequired={needsLogin && !hasSecret}
        placeholder={hasSecret ? 'Unchanged' : ''}
        hint={hasSecret ? 'Leave it empty to keep the stored password.' : (passwordHint ?? 'Stored encrypted and never shown again.')}
        value={draft.secret}
        error={errors.secret}
        onChange={(secret) => change({ ...draft, secret }, 'secret')}
      />
    </div>
  );
}

export function CertificateField<D extends ServerDraft>({ draft, change }: Pick<Shared<D>, 'draft' | 'change'>) {
  if (draft.security === 'none') return null;
  return (
    <>
      <Checkbox
        label="Check the server’s certificate"
        name="validate_certificate"
        isChecked={draft.validateCertificate}
        onChange={(event) => change({ ...draft, validateCertificate: event.currentTarget.checked }, 'validate_certificate')}
      />
      {!draft.validateCertificate && (
        <SectionMessage appearance="warning" title="Any server can pretend to be this one">
          <p>Switch the check off only for a server of your own with a certificate of your own.</p>
        </SectionMessage>
      )}
    </>
  );
}
