/** What is read and what becomes of it in the mailbox; before that, what is there already. */
import SectionMessage from '@atlaskit/section-message';
import type { Preview, Strategy } from '../api/types/mailboxes';
import type { Errors } from '../forms/connection';
import { hasFolders, type MailboxDraft } from '../forms/mailbox';
import { choicesOf } from '../forms/preview';
import { Choice, type Option } from '../parts/Choice';
import { InView } from '../parts/InView';
import { TextField } from '../parts/TextField';

interface Props {
  draft: MailboxDraft;
  errors: Errors;
  change: (draft: MailboxDraft, field: string) => void;
  folders: readonly string[];
  /** What was seen in the place that the draft names; null: not looked at. */
  preview: Preview | null;
  /** How many messages the chosen day is about, in a sentence; '' where there is nothing to say. */
  counted: string;
}

export function ReadingFields({ draft, errors, change, folders, preview, counted }: Props) {
  const others = folders.filter((folder) => folder !== draft.folder);
  return (
    <fieldset className="mb-group">
      <legend>What is read</legend>
      <div className="mb-row">
        {hasFolders(draft) ? (
          <FolderField
            label="Folder"
            name="folder"
            value={draft.folder}
            folders={folders}
            error={errors.folder}
            onChange={(folder) => change({ ...draft, folder }, 'folder')}
          />
        ) : null}
        <Choice
          label="When mail is handled"
          value={draft.strategy}
          options={STRATEGIES.filter(({ value }) => hasFolders(draft) || value !== 'move').map((one) =>
            draft.kind === 'pop3' && one.value === 'read' ? { ...one, label: 'Leave it where it is' } : one,
          )}
          hint={STRATEGY_HINTS[draft.strategy]}
          error={errors.strategy}
          onChange={(strategy) => strategy && change({ ...draft, strategy }, 'strategy')}
        />
      </div>
      {hasFolders(draft) && draft.strategy === 'move' && (
        <div className="mb-row">
          <FolderField
            label="Move it to"
            name="move_to"
            value={draft.moveTo}
            folders={others}
            hint={folders.length > 0 ? 'The mailbox has no other folder yet: create one there, then test the connection again.' : undefined}
            error={errors.move_to}
            onChange={(moveTo) => change({ ...draft, moveTo }, 'move_to')}
          />
        </div>
      )}
      {preview && <AlreadyThere draft={draft} errors={errors} change={change} preview={preview} counted={counted} />}
    </fieldset>
  );
}

const STRATEGIES: readonly Option<Strategy>[] = [
  { value: 'read', label: 'Mark it as read', of: 'read' },
  { value: 'delete', label: 'Delete it', of: 'delete' },
  { value: 'move', label: 'Move it to another folder', of: 'move' },
];

const STRATEGY_HINTS: Readonly<Record<Strategy, string | undefined>> = {
  read: undefined,
  delete: 'Only once Jira has it: until then it stays in the mailbox.',
  move: 'Only once Jira has it: until then it stays in the folder.',
};

function AlreadyThere({ draft, errors, change, preview, counted }: Omit<Props, 'folders'> & { preview: Preview }) {
  const choices = choicesOf(preview);
  const [first, ...rest] = preview.would;
  return (
    <InView role="status">
      <SectionMessage title="What is there already">
        <p>
          <strong>{first}</strong>
        </p>
        <ul className="mb-list">
          {rest.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      </SectionMessage>
      {preview.total > 0 && (
        <div className="mb-row mb-after">
          <Choice
            label="Mail that is already there"
            value={draft.backlog}
            options={choices.map(({ value, label }) => ({ value, label, of: value }))}
            hint="Mail that arrives from now on is always handled."
            error={errors.backlog}
            onChange={(backlog) => backlog && change({ ...draft, backlog }, 'backlog')}
          />
          {draft.backlog === 'since' && (
            <TextField
              label="Since"
              name="since"
              type="date"
              isRequired
              value={draft.since}
              hint={<span role="status">{counted}</span>}
              error={errors.since}
              onChange={(since) => change({ ...draft, since }, 'since')}
            />
          )}
        </div>
      )}
    </InView>
  );
}

interface FolderProps {
  label: string;
  name: string;
  value: string;
  folders: readonly string[];
  /** What to say where there is none to choose. */
  hint?: string | undefined;
  error: string | undefined;
  onChange: (folder: string) => void;
}

const UNKNOWN = 'Test the connection to choose from the server’s folders.';

/** Chosen from the server's list once that is known; typed before. */
function FolderField({ label, name, value, folders, hint = UNKNOWN, error, onChange }: FolderProps) {
  if (folders.length === 0) {
    return <TextField label={label} name={name} isRequired hint={hint} value={value} error={error} onChange={onChange} />;
  }
  const options = withOwn(folders, value).map((folder) => ({ value: folder, label: folder, of: folder }));
  return <Choice label={label} isRequired value={value} options={options} error={error} onChange={(folder) => folder && onChange(folder)} />;
}

/** The stored folder stays selectable even if the server no longer lists it. */
function withOwn(folders: readonly string[], own: string): readonly string[] {
  return own === '' || folders.includes(own) ? folders : [own, ...folders];
}
