/** What every form here does alike: sentences at the fields, one problem below them, and which action is under way. */
import { useState } from 'react';
import { asProblem, type Problem } from '../api/problem';
import type { Errors } from '../forms/connection';
import { fieldSentences, withoutField } from '../forms/errors';
import { focusFirstError } from './focus';

export interface Form<B extends string> {
  /** The form element's `ref`: errors are looked for in it. */
  attach: (element: HTMLFormElement | null) => void;
  errors: Errors;
  problem: Problem | null;
  busy: B | null;
  /** A field that is being changed is no longer known to be wrong. */
  touched: (field: string) => void;
  /** True when there are errors; the first field of them gets the focus. */
  showErrors: (errors: Errors) => boolean;
  /** Runs `action` unless `errors` holds some; what the server refuses stands at the fields. */
  act: (busy: B, errors: Errors, action: () => Promise<void>) => Promise<void>;
}

export function useForm<B extends string>(): Form<B> {
  const [element, attach] = useState<HTMLFormElement | null>(null);
  const [errors, setErrors] = useState<Errors>({});
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState<B | null>(null);

  function showErrors(wrong: Errors): boolean {
    setErrors(wrong);
    const isWrong = Object.keys(wrong).length > 0;
    if (isWrong) focusFirstError(element);
    return isWrong;
  }

  async function act(kind: B, wrong: Errors, action: () => Promise<void>) {
    setProblem(null);
    if (showErrors(wrong)) return;
    setBusy(kind);
    try {
      await action();
    } catch (thrown) {
      const failure = asProblem(thrown);
      showErrors(fieldSentences(failure.errors));
      setProblem(failure);
    } finally {
      setBusy(null);
    }
  }

  const touched = (field: string) => setErrors((before) => withoutField(before, field));
  return { attach, errors, problem, busy, touched, showErrors, act };
}
