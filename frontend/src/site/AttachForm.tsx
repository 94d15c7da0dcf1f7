/** Attaches a Jira by an API token: asks Jira first what the account may do, and shows it before anything is kept. */
import Button from '@atlaskit/button/new';
import Checkbox from '@atlaskit/checkbox';
import Heading from '@atlaskit/heading';
import SectionMessage from '@atlaskit/section-message';
import { useState } from 'react';
import type { Api } from '../api/client';
import type { Site, SiteCheck } from '../api/types/site';
import { problemField } from '../forms/errors';
import { accessBody, accessOf, BLANK_SITE, checkSiteDraft, isElsewhere, SITE_FIELDS, siteBody, type SiteDraft } from '../forms/site';
import { CheckList } from '../parts/CheckList';
import { Form } from '../parts/Form';
import { InView } from '../parts/InView';
import { ProblemMessage } from '../parts/ProblemMessage';
import { TextField } from '../parts/TextField';
import { useForm } from '../parts/useForm';
import { WhatToDo } from '../parts/WhatToDo';
import { isMissing, rightsAsChecks } from './checks';
import { TokenFields } from './Token';

interface Props {
  api: Api;
  /** What is attached already, when only its token changes. */
  site?: Site;
  onAttached: (site: Site) => void;
}

export function AttachForm({ api, site, onAttached }: Props) {
  const [draft, setDraft] = useState<SiteDraft>({ ...BLANK_SITE, url: site?.site ?? '', email: site?.email ?? '' });
  const [checked, setChecked] = useState<{ access: string; result: SiteCheck } | null>(null);
  const { attach: formRef, ...form } = useForm<'checking' | 'attaching'>();
  const result = checked?.access === accessOf(draft) ? checked.result : null;
  const lacks = result?.rights.some(isMissing) ?? false;

  function change(more: Partial<SiteDraft>, field: string) {
    setDraft({ ...draft, ...more });
    form.touched(field);
  }

  const check = () =>
    form.act('checking', checkSiteDraft(draft, new Date()), async () => {
      const answer = await api.checkSite(accessBody(draft));
      setChecked({ access: accessOf(draft), result: answer });
      if (!answer.ok) form.showErrors(problemField(answer.problem));
    });

  const attach = () =>
    form.act('attaching', checkSiteDraft(draft, new Date()), async () => onAttached(await api.attachSite(siteBody(draft))));

  return (
    <Form className="mb-form mb-narrow" attach={formRef} onSubmit={() => (result?.ok ? attach() : check())}>
      <fieldset className="mb-group">
        <legend>Your Jira</legend>
        <TextField
          label="Address of Jira"
          name="url"
          isRequired
          inputMode="url"
          placeholder="https://example.atlassian.net"
          value={draft.url}
          error={form.errors.url}
          onChange={(url) => change({ url, isRenamed: false }, 'url')}
        />
        {isElsewhere(draft, site?.site) && (
          <Checkbox
            label={`This is the same Jira as ${site?.site ?? ''}, under a new address`}
            name="renamed"
            isChecked={draft.isRenamed}
            onChange={(event) => change({ isRenamed: event.currentTarget.checked }, 'url')}
          />
        )}
        <TokenFields
          draft={draft}
          errors={form.errors}
          change={change}
          emailLabel="E-mail address of the account"
          emailExample="mailbridge@example.com"
          emailHint="Mailbridge acts as this account. Best is one of its own, so that people see who wrote what."
          expiryHint="Atlassian shows it when you create the token. Mailbridge warns you two weeks before."
        />
        <details className="mb-details">
          <summary>Where do I get an API token?</summary>
          <ol className="mb-steps">
            <li>Log in to Atlassian with the account that Mailbridge is to use.</li>
            <li>Open the settings of that Atlassian account (the picture at the top right, then “Manage account”) and go to “Security”.</li>
            <li>Under “API tokens” create a new token, without scopes, and note the day on which it expires.</li>
            <li>Copy the token and paste it above. Atlassian shows it only once.</li>
          </ol>
        </details>
      </fieldset>
      {result && <Outcome result={result} level={site ? 'h4' : 'h2'} />}
      {form.problem && <ProblemMessage problem={form.problem} fields={SITE_FIELDS} />}
      <div className="mb-actions">
        <Button
          type={result?.ok ? 'button' : 'submit'}
          appearance={result?.ok ? 'default' : 'primary'}
          onClick={result?.ok ? check : undefined}
          isLoading={form.busy === 'checking'}
        >
          {result ? 'Check again' : 'Check what this account may do'}
        </Button>
        {result?.ok && (
          <Button type="submit" appearance={lacks ? 'warning' : 'primary'} isLoading={form.busy === 'attaching'}>
            {lacks ? 'Attach with what is there' : 'Attach this Jira'}
          </Button>
        )}
      </div>
    </Form>
  );
}

/** `level`: of its heading, after what stands above the form. */
function Outcome({ result, level }: { result: SiteCheck; level: 'h2' | 'h4' }) {
  if (!result.ok) {
    const { title, detail, remedy } = result.problem ?? { title: 'Jira did not let this account in', detail: null, remedy: null };
    return (
      <InView role="alert">
        <SectionMessage appearance="error" title={title}>
          <WhatToDo detail={detail} remedy={remedy} />
        </SectionMessage>
      </InView>
    );
  }
  const lacks = result.rights.filter(isMissing).length;
  return (
    <InView role="status">
      <SectionMessage
        appearance={lacks > 0 ? 'warning' : 'success'}
        title={`Jira knows this account${result.account ? ` as ${result.account.name}` : ''}`}
      >
        <p>
          {lacks > 0
            ? 'It lacks some rights. Give them in Jira and check again, or go on without what they are for.'
            : 'It may do everything that Mailbridge needs. Nothing has been kept or changed so far.'}
        </p>
      </SectionMessage>
      {result.rights.length > 0 && (
        <>
          <div className="mb-after">
            <Heading size="xsmall" as={level}>
              What the account may do
            </Heading>
          </div>
          <CheckList label="Rights of the account" checks={rightsAsChecks(result.rights)} />
        </>
      )}
    </InView>
  );
}
