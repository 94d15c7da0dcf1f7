/** Projects and people as options of a search. */
import type { Person, Project } from '../api/types/jira';
import type { Option } from './Choice';

export function projectOption(project: Project): Option<Project> {
  return { value: project.id, label: `${project.name} (${project.key})`, of: project };
}

export function personOption(person: Person): Option<Person> {
  return { value: person.account_id, label: person.name, of: person };
}
