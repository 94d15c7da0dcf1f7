/** An account’s API token: the fields in which it is given, and what is told of the one that is kept. */
import type { Errors } from '../forms/connection';
import { State } from '../parts/State';
import { TextField } from '../parts/TextField';
import { expiryWord } from './words';

interface Given {
  email: string;
  apiToken: string;
  expires: string;
}

interface Props {
  draft: Given;
  errors: Errors;
  change: (more: Partial<Given>, field: string) => void;
  emailLabel: string;
  emailExample: string;
  emailHint?: string;
  expiryHint: string;
  /** One is kept already, and stays where none is given. */
  isKept?: boolean;
}

export function TokenFields({ draft, errors, change, emailLabel, emailExample, emailHint, expiryHint, isKept = false }: Props) {
  return (
    <>
      <div className="mb-row">
        <TextField
          label={emailLabel}
          name="email"
          type="email"
          isRequired
          placeholder={emailExample}
          hint={emailHint}
          value={draft.email}
          error={errors.email}
          onChange={(email) => change({ email }, 'email')}
        />
        <TextField
          label="API token"
          name="api_token"
          type="password"
          isRequired={!isKept}
          placeholder={isKept ? 'Unchanged' : ''}
          hint={isKept ? 'Leave it empty to keep the stored token.' : 'Stored encrypted and never shown again.'}
          value={draft.apiToken}
          error={errors.api_token}
          onChange={(apiToken) => change({ apiToken }, 'api_token')}
        />
      </div>
      <div className="mb-row">
        <TextField
          label="The token expires on"
          name="token_expires_at"
          type="date"
          hint={expiryHint}
          value={draft.expires}
          error={errors.token_expires_at}
          onChange={(expires) => change({ expires }, 'token_expires_at')}
        />
        <div />
      </div>
    </>
  );
}

/** In a list of facts: when it ends, if that is known. */
export function TokenFact({ expiresAt }: { expiresAt: number | null }) {
  const expiry = expiryWord(expiresAt);
  if (expiry === null) return null;
  return (
    <div>
      <dt>API token</dt>
      <dd>
        <State word={expiry} />
      </dd>
    </div>
  );
}
