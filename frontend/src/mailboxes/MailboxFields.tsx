/** What a mailbox has besides its server: what becomes of mail, and what few people need. */
import Checkbox from '@atlaskit/checkbox';
import { useCallback, useEffect, useState } from 'react';
import type { Api } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { Backlog, IssueType, Project } from '../api/types';
import type { Errors } from '../forms/connection';
import { withProject, type MailboxDraft } from '../forms/mailbox';
import { Choice, Search, type Option } from '../parts/Choice';
import { personOption, projectOption } from '../parts/options';
import { TextField } from '../parts/TextField';

interface Props {
  api: Api;
  draft: MailboxDraft;
  errors: Errors;
  /** `field` is the API's name of what was changed. */
  change: (draft: MailboxDraft, field: string) => void;
  folders: readonly string[];
  isNew: boolean;
  /** Whoever fills this in administers one project only: they can neither choose another nor search people. */
  isOneProject: boolean;
}

export function RoutingFields({ api, draft, errors, change, folders, isNew, isOneProject }: Props) {
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
        <TextField
          label="Address"
          name="address"
          isRequired
          inputMode="email"
          placeholder="support@example.com"
          hint="The address people write to, and that replies come back to."
          value={draft.address}
          error={errors.address}
          onChange={(address) => change({ ...draft, address }, 'address')}
        />
      </div>
      <div className="mb-row">
        {folders.length > 0 ? (
          <Choice
            label="Folder"
            isRequired
            value={draft.folder}
            options={withOwn(folders, draft.folder).map((folder) => ({ value: folder, label: folder, of: folder }))}
            error={errors.folder}
            onChange={(folder) => folder && change({ ...draft, folder }, 'folder')}
          />
        ) : (
          <TextField
            label="Folder"
            name="folder"
            isRequired
            hint="Test the connection to choose from the server’s folders."
            value={draft.folder}
            error={errors.folder}
            onChange={(folder) => change({ ...draft, folder }, 'folder')}
          />
        )}
        {isNew && (
          <Choice
            label="Mail that is already there"
            value={draft.backlog}
            options={BACKLOGS}
            hint="Mail that arrives from now on is always handled."
            error={errors.backlog}
            onChange={(backlog) => backlog && change({ ...draft, backlog }, 'backlog')}
          />
        )}
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

export function AdvancedFields({ draft, errors, change }: Props) {
  return (
    <details className="mb-details" open={errors.authserv_id || errors.sub_addresses ? true : undefined}>
      <summary>Advanced</summary>
      <div className="mb-group">
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
          hint="The word your provider writes first in its Authentication-Results header (authserv-id), such as mx.example.com. Leave it empty for Microsoft 365, which writes none."
          value={draft.authservId}
          error={errors.authserv_id}
          onChange={(authservId) => change({ ...draft, authservId }, 'authserv_id')}
        />
      </div>
    </details>
  );
}

const BACKLOGS: readonly Option<Backlog>[] = [
  { value: 'none', label: 'Leave it alone', of: 'none' },
  { value: 'unread', label: 'Handle what is unread', of: 'unread' },
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

/** The stored folder stays selectable even if the server no longer lists it. */
function withOwn(folders: readonly string[], own: string): readonly string[] {
  return own === '' || folders.includes(own) ? folders : [own, ...folders];
}
