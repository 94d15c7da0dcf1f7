/** Which account the look-up user is, and its API token. */
import Button from '@atlaskit/button/new';
import { useState } from 'react';
import type { Api } from '../api/client';
import type { LookupUser } from '../api/types/lookup';
import { checkLookup, draftOfLookup, LOOKUP_FIELDS, lookupBody, type LookupDraft } from '../forms/lookup';
import { Form } from '../parts/Form';
import { ProblemMessage } from '../parts/ProblemMessage';
import { useForm } from '../parts/useForm';
import { TokenFields } from './Token';

interface Props {
  api: Api;
  user: LookupUser | null;
  onChanged: (sentence: string) => void;
}

export function LookupForm({ api, user, onChanged }: Props) {
  const [draft, setDraft] = useState<LookupDraft>(() => draftOfLookup(user));
  const { attach, ...form } = useForm<'saving' | 'deleting'>();

  function change(more: Partial<LookupDraft>, field: string) {
    setDraft({ ...draft, ...more });
    form.touched(field);
  }

  const save = () =>
    form.act('saving', checkLookup(draft, user, new Date()), async () => {
      const saved = await api.changeLookupUser(lookupBody(draft));
      setDraft(draftOfLookup(saved));
      onChanged('The look-up user is saved');
    });
  const remove = () =>
    form.act('deleting', {}, async () => {
      await api.deleteLookupUser();
      onChanged('The look-up user is forgotten');
    });

  return (
    <Form className="mb-group mb-narrow" attach={attach} onSubmit={save}>
      <TokenFields
        draft={draft}
        errors={form.errors}
        change={change}
        emailLabel="E-mail address"
        emailExample="jira+lookup@example.com"
        expiryHint="Mailbridge warns you two weeks before."
        isKept={user !== null}
      />
      {form.problem && <ProblemMessage problem={form.problem} fields={LOOKUP_FIELDS} />}
      <div className="mb-actions">
        <Button type="submit" isLoading={form.busy === 'saving'}>
          {user ? 'Save look-up user' : 'Use this account'}
        </Button>
        {user && (
          <Button appearance="subtle" onClick={remove} isLoading={form.busy === 'deleting'}>
            Forget it
          </Button>
        )}
      </div>
    </Form>
  );
}
