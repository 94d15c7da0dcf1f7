/** How to reach a mail server: what the form of a mailbox and the form of outgoing mail ask alike. */
import Checkbox from '@atlaskit/checkbox';
import SectionMessage from '@atlaskit/section-message';
import type { Security } from '../api/types';
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

interface Props<D extends ServerDraft> {
  legend: string;
  /** What a server's name looks like. */
  example: string;
  needsLogin: boolean;
  hasSecret: boolean;
  draft: D;
  errors: Errors;
  /** `field` is the API's name of what was changed. */
  change: (draft: D, field: string) => void;
  /** What else changes with the security (the port), and with the user name. */
  withSecurity: (draft: D, security: Security) => D;
  withUsername: (draft: D, username: string) => D;
}

export function ServerFields<D extends ServerDraft>(props: Props<D>) {
  const { legend, example, needsLogin, hasSecret, draft, errors, change, withSecurity, withUsername } = props;
  return (
    <fieldset className="mb-group">
      <legend>{legend}</legend>
      <div className="mb-row mb-row-server">
        <TextField
          label="Server"
          name="host"
          isRequired
          placeholder={example}
          inputMode="url"
          value={draft.host}
          error={errors.host}
          onChange={(host) => change({ ...draft, host }, 'host')}
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
          hint={hasSecret ? 'Leave it empty to keep the stored password.' : 'Stored encrypted and never shown again.'}
          value={draft.secret}
          error={errors.secret}
          onChange={(secret) => change({ ...draft, secret }, 'secret')}
        />
      </div>
      {draft.security !== 'none' && (
        <Checkbox
          label="Check the server’s certificate"
          name="validate_certificate"
          isChecked={draft.validateCertificate}
          onChange={(event) => change({ ...draft, validateCertificate: event.currentTarget.checked }, 'validate_certificate')}
        />
      )}
      {draft.security !== 'none' && !draft.validateCertificate && (
        <SectionMessage appearance="warning" title="Any server can pretend to be this one">
          <p>Switch the check off only for a server of your own with a certificate of your own.</p>
        </SectionMessage>
      )}
    </fieldset>
  );
}
