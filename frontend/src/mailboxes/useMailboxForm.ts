/** What the mailbox form knows and does: it tries the connection, looks at what is there, and saves; asking where it should. */
import { useEffect, useRef, useState } from 'react';
import type { Api } from '../api/client';
import type { Project } from '../api/types/jira';
import type { Mailbox, Preview } from '../api/types/mailboxes';
import type { Presets } from '../api/types/presets';
import type { TestResult } from '../api/types/servers';
import { problemField } from '../forms/errors';
import { loginKey } from '../forms/logins';
import { blankMailbox, checkConnection, checkMailbox, draftOfMailbox, moveError, withProject, type MailboxDraft } from '../forms/mailbox';
import { accountOf, connectionBody, mailboxBody, placeOf } from '../forms/mailboxBody';
import { dayQuestion, nextStep, withChoice } from '../forms/preview';
import { NO_PRESETS, withSuggestion } from '../forms/providers';
import { useForm } from '../parts/useForm';
import { useSettled } from '../parts/useSettled';
import { useCounted } from './useCounted';

interface Given {
  api: Api;
  mailbox: Mailbox | null;
  only: Project | null;
  onSaved: (mailbox: Mailbox) => void;
}

const PAUSE_MS = 350;

export function useMailboxForm({ api, mailbox, only, onSaved }: Given) {
  const [opened] = useState<MailboxDraft>(() => (mailbox ? draftOfMailbox(mailbox) : withProject(blankMailbox(), only)));
  const [draft, setDraft] = useState(opened);
  const form = useForm<'testing' | 'looking' | 'saving'>();
  const [result, setResult] = useState<TestResult | null>(null);
  const [folders, setFolders] = useState<readonly string[]>([]);
  // A stored mailbox counts as tested: only a changed connection is asked about.
  const [tested, setTested] = useState<string | null>(() => (mailbox ? accountOf(opened) : null));
  const [looked, setLooked] = useState<{ place: string; preview: Preview } | null>(null);
  const [isAsking, setAsking] = useState(false);
  const presets = usePresets(api, draft.address, setDraft);

  const id = mailbox?.id ?? null;
  const hasSecret = mailbox !== null && mailbox.has_secret && loginKey(mailbox) === loginKey(draft);
  const place = placeOf(draft);
  const preview = looked?.place === place ? looked.preview : null;
  const stored = mailbox ? placeOf(opened) : null;
  const counted = useCounted(api, dayQuestion(draft, id, preview));

  function change(next: MailboxDraft, field: string) {
    setDraft(next);
    form.touched(field);
    if (accountOf(next) !== accountOf(draft)) setResult(null);
    setAsking(false);
  }

  /** Looks at what is there; true when it could. */
  async function look(now: MailboxDraft) {
    const seen = await api.previewMailbox(connectionBody(now, id));
    setLooked({ place: placeOf(now), preview: seen });
    setTested(accountOf(now));
    setDraft((current) => withChoice(current, seen));
  }

  const test = () =>
    form.act('testing', checkConnection(draft, hasSecret), async () => {
      setResult(null);
      const answer = await api.testMailbox(connectionBody(draft, id));
      setResult(answer);
      if (answer.folders && answer.folders.length > 0) setFolders(answer.folders);
      if (!answer.ok) return void form.showErrors(problemField(answer.problem));
      setTested(accountOf(draft));
      if (place !== stored && moveError(draft) === null) await look(draft);
    });

  async function save() {
    const wrong = checkMailbox(draft, hasSecret);
    const step = nextStep(draft, { tested, looked: looked?.place ?? null, stored, isAsked: isAsking });
    if (Object.keys(wrong).length > 0 || step === 'save') {
      return form.act('saving', wrong, async () => {
        const body = mailboxBody(draft, place !== stored);
        onSaved(id === null ? await api.createMailbox(body) : await api.changeMailbox(id, body));
      });
    }
    if (step === 'ask') return setAsking(true);
    // What cannot be looked at has not passed a test.
    setTested(null);
    return form.act('looking', {}, () => look(draft));
  }

  return { ...form, draft, opened, change, presets, folders, result, preview, counted, isAsking, hasSecret, test, save, id };
}

/** The providers, and the one that the typed address is at: its server is filled in while nobody has typed another. */
function usePresets(api: Api, address: string, setDraft: (change: (draft: MailboxDraft) => MailboxDraft) => void): Presets {
  const [presets, setPresets] = useState(NO_PRESETS);
  const suggested = useRef<string | null>(null);
  const asked = useSettled(address.trim(), PAUSE_MS);
  useEffect(() => {
    let isCurrent = true;
    // Without an answer the fields are filled in by hand.
    api.presets(asked).then(
      (found) => {
        if (!isCurrent) return;
        const before = suggested.current;
        suggested.current = found.suggested;
        setPresets(found);
        setDraft((draft) => withSuggestion(draft, found, before));
      },
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [api, asked, setDraft]);
  return presets;
}
