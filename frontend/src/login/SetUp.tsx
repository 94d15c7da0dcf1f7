/** Where the set-up link leads: the person who started Mailbridge chooses its password. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import { useState } from 'react';
import { Problem } from '../api/problem';
import type { LoginApi } from '../api/standalone';
import { checkPassword, SHORTEST_PASSWORD } from '../forms/password';
import { Form } from '../parts/Form';
import { ProblemMessage } from '../parts/ProblemMessage';
import { TextField } from '../parts/TextField';
import { useForm } from '../parts/useForm';

interface Props {
  login: LoginApi;
  /** The secret in the link. */
  secret: string;
  onIn: () => void;
  onLeave: () => void;
}

export function SetUp({ login, secret, onIn, onLeave }: Props) {
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const { attach, ...form } = useForm<'saving'>();
  const submit = () =>
    form.act('saving', checkPassword(password, again), async () => {
      await login.setUp(secret, password).catch(linkIsOver);
      onIn();
    });

  return (
    <main className="mb-page mb-narrow mb-alone">
      <Heading size="large" as="h1">
        Welcome to Mailbridge
      </Heading>
      <p>Mailbridge turns email into Jira issues and comments, and comments into email. Choose the password of this page first.</p>
      <Form className="mb-form mb-slim" attach={attach} onSubmit={submit}>
        <TextField
          label="New password"
          name="password"
          type="password"
          autoComplete="new-password"
          isRequired
          hint={`At least ${SHORTEST_PASSWORD} characters. Whoever knows it may change everything here.`}
          value={password}
          error={form.errors.password}
          onChange={(typed) => {
            setPassword(typed);
            form.touched('password');
          }}
        />
        <TextField
          label="The same again"
          name="again"
          type="password"
          autoComplete="new-password"
          isRequired
          value={again}
          error={form.errors.again}
          onChange={(typed) => {
            setAgain(typed);
            form.touched('again');
          }}
        />
        {form.problem && <ProblemMessage problem={form.problem} fields={['password']} />}
        <div className="mb-actions">
          <Button type="submit" appearance="primary" isLoading={form.busy !== null}>
            Save and go on
          </Button>
          <Button appearance="subtle" onClick={onLeave}>
            I have a password already
          </Button>
        </div>
      </Form>
    </main>
  );
}

function linkIsOver(thrown: unknown): never {
  if (thrown instanceof Problem && thrown.errors.setup) {
    const detail = 'It is good once and for a day. Whoever runs Mailbridge makes a new one: python -m connect.setup_link';
    throw new Problem(thrown.status, 'This set-up link is no longer valid', detail, {}, thrown.requestId);
  }
  if (thrown instanceof Problem && thrown.status === 403) {
    throw new Problem(403, 'Mailbridge did not take this request', thrown.detail, thrown.errors, thrown.requestId);
  }
  throw thrown;
}
