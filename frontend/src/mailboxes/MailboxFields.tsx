/** What a mailbox has besides its server: what becomes of mail, and what few people need. */
import Checkbox from '@atlaskit/checkbox';
import { useCallback, useEffect, useState } from 'react';
import type { Api } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { IssueType, Project } from '../api/types/jira';
import type { Errors } from '../forms/connection';
import { ADVANCED_FIELDS, withProject, type MailboxDraft } from '../forms/mailbox';
import { Choice, Search, type Option } from '../parts/Choice';
import { personOption, projectOption } from '../parts/options';
import { TextArea } from '../parts/TextArea';
import { TextField } from '../parts/TextField';

interface Props {
  api: Api;
  draft: MailboxDraft;
  errors: Errors;
  /** `field` is the API's name of what was changed. */
  change: (draft: MailboxDraft, field: string) => void;
  /** Whoever fills this in administers one project only: they can neither choose another nor search people. */
  isOneProject: boolean;
}

export function RoutingFields({ api, draft, errors, change, isOneProject }: Props) {
  const searchProjects = useCallback(async (text: string) => (await api.projects(text)).map(projectOption), [api]);
  const searchPeople = useCallback(async (text: string) => (text === '' ? [] : (await api.users(text)).map(personOption)), [api]);
  const types = useIssueTypes(api, draft.project);
  return (
    <fieldset className="mb-group">
      <legend>What becomes of mail</legend>
      <div className="mb-row">
        <TextField
          label="Name"
          name="name"
          isRequired
          placeholder="Support"
          hint="How this page calls the mailbox."
          value={draft.name}
          error={errors.name}
          onChange={(name) => change({ ...draft, name }, 'name')}
        />
      </div>
      <div className="mb-row">
        <Search
          label="Project"
          isRequired
          placeholder="Search projects"
          value={draft.project && projectOption(draft.project)}
          search={searchProjects}
          searchesAtOnce={!isOneProject}
          isDisabled={isOneProject}
          error={errors.project}
          onChange={(project) => change(withProject(draft, project), 'project')}
        />
        <Choice
          label="Issue type"
          isRequired
          value={draft.issueType?.id ?? null}
          options={types.options}
          isLoading={types.isLoading}
          isDisabled={draft.project === null}
          placeholder={draft.project === null ? 'Choose the project first' : 'Choose'}
          error={errors.issue_type ?? types.problem?.message}
          onChange={(type) => change({ ...draft, issueType: type }, 'issue_type')}
        />
      </div>
      {!isOneProject && (
        <Search
          label="Default reporter"
          isClearable
          placeholder="Search people"
          nothingTyped="Type a name"
          hint="Reports the issue when the sender has no Jira account. Without one it is Mailbridge itself."
          value={draft.defaultReporter && personOption(draft.defaultReporter)}
          search={searchPeople}
          searchesAtOnce={false}
          error={errors.default_reporter}
          onChange={(defaultReporter) => change({ ...draft, defaultReporter }, 'default_reporter')}
        />
      )}
    </fieldset>
  );
}

export function AdvancedFields({ draft, errors, change }: Pick<Props, 'draft' | 'errors' | 'change'>) {
  const isWrong = ADVANCED_FIELDS.some((field) => errors[field]);
  return (
    <details className="mb-details" open={isWrong ? true : undefined}>
      <summary>Advanced</summary>
      <div className="mb-group">
        <div className="mb-row">
          <TextArea
            label="Also written to"
            name="addresses"
            placeholder="help@example.com"
            hint="Other names of this mailbox, one a line: mail to them is caught, and mail from them is our own."
            value={draft.moreAddresses}
            error={errors.addresses}
            onChange={(moreAddresses) => change({ ...draft, moreAddresses }, 'addresses')}
          />
          <Choice
            label="Mail that names none of these"
            value={draft.unnamed}
            options={UNNAMED}
            hint="Such as a blind copy (Bcc), or mail to a list that the mailbox is on."
            error={errors.unnamed}
            onChange={(unnamed) => unnamed && change({ ...draft, unnamed }, 'unnamed')}
          />
        </div>
        <div className="mb-row">
          {draft.kind !== 'push' && (
            <TextField
              label="Timeout (seconds)"
              name="timeout"
              inputMode="numeric"
              placeholder="30"
              hint="How long each answer of the server may take. Empty: as your operator has set it, usually 30."
              value={draft.timeout}
              error={errors.timeout}
              onChange={(timeout) => change({ ...draft, timeout }, 'timeout')}
            />
          )}
          <TextField
            label="Largest mail (MB)"
            name="max_bytes"
            inputMode="numeric"
            hint="Of a larger one only the header is kept. Empty: as your operator has set it."
            value={draft.maxMegabytes}
            error={errors.max_bytes}
            onChange={(maxMegabytes) => change({ ...draft, maxMegabytes }, 'max_bytes')}
          />
        </div>
        <div>
          <Checkbox
            label="Tell the sender of a larger mail"
            name="answer_oversized"
            isChecked={draft.answerOversized}
            onChange={(event) => change({ ...draft, answerOversized: event.currentTarget.checked }, 'answer_oversized')}
          />
          <p className="mb-hint">
            {draft.kind === 'push'
              ? 'They get one mail a day at most, by your outgoing server, if a person wrote it. With a pipe the mail server tells them itself.'
              : 'They get one mail a day at most, by your outgoing server, saying how large a mail may be. Programs and mailing lists get none.'}
          </p>
        </div>
        <div>
          <Checkbox
            label="The mailbox takes sub-addresses"
            name="sub_addresses"
            isChecked={draft.subAddresses}
            onChange={(event) => change({ ...draft, subAddresses: event.currentTarget.checked }, 'sub_addresses')}
          />
          <p className="mb-hint">
            Mail to box+anything@example.com arrives in this mailbox. Replies then find their issue even where a mail program
            drops the reference to our mail.
          </p>
        </div>
        <TextField
          label="Name of the authentication service"
          name="authserv_id"
          placeholder="mx.example.com"
          hint="The word your provider writes first in its Authentication-Results header (authserv-id), such as mx.example.com; “none” for Microsoft 365, which writes none. A provider’s preset fills it in where it is known."
          value={draft.authservId}
          error={errors.authserv_id}
          onChange={(authservId) => change({ ...draft, authservId }, 'authserv_id')}
        />
      </div>
    </details>
  );
}

const UNNAMED: readonly Option<'take' | 'ignore'>[] = [
  { value: 'take', label: 'Handle it', of: 'take' },
  { value: 'ignore', label: 'Ignore it', of: 'ignore' },
];

interface IssueTypes {
  options: readonly Option<IssueType>[];
  isLoading: boolean;
  problem: Problem | null;
}

/** The types a mail can become in a project: sub-tasks need a parent, so they are left out. */
function useIssueTypes(api: Api, project: Project | null): IssueTypes {
  const [found, setFound] = useState<{ key: string; options: readonly Option<IssueType>[]; problem: Problem | null } | null>(null);
  const key = project?.key ?? null;
  useEffect(() => {
    if (key === null) return undefined;
    let isCurrent = true;
    api.issueTypes(key).then(
      (types) => {
        const options = types.filter((type) => !type.subtask).map((type) => ({ value: type.id, label: type.name, of: type }));
        if (isCurrent) setFound({ key, options, problem: null });
      },
      (thrown: unknown) => isCurrent && setFound({ key, options: [], problem: asProblem(thrown) }),
    );
    return () => {
      isCurrent = false;
    };
  }, [api, key]);
  const isFor = found !== null && found.key === key;
  return { options: isFor ? found.options : [], isLoading: key !== null && !isFor, problem: isFor ? found.problem : null };
}
