/** Sentences beside the fields: where they come from, and when they go. */
import type { FieldErrors } from '../api/problem';
import type { TestProblem } from '../api/types/servers';
import type { Errors } from './connection';

/** A problem's errors as one sentence a field; those of a nested object stand at the object (`project.key` at `project`). */
export function fieldSentences(errors: FieldErrors): Errors {
  return Object.entries(errors).reduce<Errors>((found, [path, sentences]) => {
    const field = fieldOf(path);
    const said = found[field];
    return { ...found, [field]: [...(said ? [said] : []), ...sentences].join(' ') };
  }, {});
}

/** The form's field for a path such as `project.key`. */
export function fieldOf(path: string): string {
  return path.split('.')[0] ?? path;
}

/** The sentence beside the field that a failed test blames, with its remedy. */
export function problemField(problem: TestProblem | null): Errors {
  if (!problem?.field) return {};
  return { [problem.field]: [problem.title, problem.remedy].filter((part) => part !== null).map(sentence).join(' ') };
}

function sentence(text: string): string {
  return text === '' || /[.!?]$/.test(text) ? text : `${text}.`;
}

/** A field that is being changed is no longer known to be wrong. */
export function withoutField(errors: Errors, field: string): Errors {
  return Object.fromEntries(Object.entries(errors).filter(([name]) => name !== field));
}
