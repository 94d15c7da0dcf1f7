/** The way into a self-hosted Mailbridge: its password, or the company's own login. */
import Button, { LinkButton } from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import { useState } from 'react';
import { Problem } from '../api/problem';
import { OIDC_LOGIN, type LoginApi, type LoginWays } from '../api/standalone';
import { onlyErrors, required } from '../forms/connection';
import { Form } from '../parts/Form';
import { ProblemMessage } from '../parts/ProblemMessage';
import { TextField } from '../parts/TextField';
import { useForm } from '../parts/useForm';

interface Props {
  login: LoginApi;
  ways: LoginWays;
  /** Why the person is asked again, null on the first visit. */
  reason: string | null;
  onIn: () => void;
}

export function Login({ login, ways, reason, onIn }: Props) {
  const [password, setPassword] = useState('');
  const { attach, ...form } = useForm<'logging in'>();
  const submit = () =>
    form.act('logging in', onlyErrors({ password: required(password, 'Type the password of this Mailbridge.') }), async () => {
      await login.login(password).catch(refused);
      onIn();
    });

  return (
    <main className="mb-page mb-narrow mb-alone">
      <Heading size="large" as="h1">
        Mailbridge for Jira
      </Heading>
      {reason && <p role="status">{reason}</p>}
      {ways.oidc !== null && (
        <div>
          <LinkButton href={OIDC_LOGIN} appearance="primary">
            {`Log in with ${ways.oidc}`}
          </LinkButton>
        </div>
      )}
      {ways.password && (
        <Form className="mb-form mb-slim" attach={attach} onSubmit={submit}>
          <TextField
            label="Password"
            name="password"
            type="password"
            autoComplete="current-password"
            isRequired
            value={password}
            error={form.errors.password}
            onChange={(typed) => {
              setPassword(typed);
              form.touched('password');
            }}
          />
          {form.problem && <ProblemMessage problem={form.problem} fields={['password']} />}
          <div className="mb-actions">
            <Button type="submit" appearance={ways.oidc === null ? 'primary' : 'default'} isLoading={form.busy !== null}>
              Log in
            </Button>
          </div>
        </Form>
      )}
      {ways.password && (
        <p className="mb-quiet">
          Forgotten? Whoever runs this Mailbridge makes a new set-up link by <code>python -m connect.setup_link</code>.
        </p>
      )}
      {!ways.password && ways.oidc === null && (
        <p>
          Nobody can log in yet: open the set-up link that Mailbridge printed when it started, and choose a password. <code>python -m
          connect.setup_link</code> makes a new one.
        </p>
      )}
    </main>
  );
}

/** A wrong password is neither an ended session nor a person who may not use the page, whatever the status says. */
function refused(thrown: unknown): never {
  if (thrown instanceof Problem && [401, 403].includes(thrown.status)) {
    const { status, detail, errors, requestId } = thrown;
    const title = errors.password ? 'This is not the password' : 'Mailbridge did not take this login';
    throw new Problem(status, title, errors.password ? 'Type it again.' : detail, errors, requestId);
  }
  throw thrown;
}
