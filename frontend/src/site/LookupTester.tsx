/** Judges the look-up user by a person and a project of one’s choice. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import { useCallback, useState } from 'react';
import type { Api } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { Person, Project } from '../api/types/jira';
import type { Finding } from '../api/types/lookup';
import { CheckList } from '../parts/CheckList';
import { Search } from '../parts/Choice';
import { InView } from '../parts/InView';
import { personOption, projectOption } from '../parts/options';
import { ProblemMessage } from '../parts/ProblemMessage';
import { findingsAsChecks } from './checks';

export function LookupTester({ api }: { api: Api }) {
  const [person, setPerson] = useState<Person | null>(null);
  const [project, setProject] = useState<Project | null>(null);
  const [findings, setFindings] = useState<readonly Finding[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const searchProjects = useCallback(async (text: string) => (await api.projects(text)).map(projectOption), [api]);
  const searchPeople = useCallback(async (text: string) => (text === '' ? [] : (await api.users(text)).map(personOption)), [api]);

  async function test() {
    setBusy(true);
    setProblem(null);
    setFindings(null);
    try {
      setFindings((await api.checkLookupUser(person?.account_id ?? null, project?.key ?? null)).findings);
    } catch (thrown) {
      setProblem(asProblem(thrown));
    } finally {
      setBusy(false);
    }
  }

  return (
    <div className="mb-group mb-narrow">
      <Heading size="xsmall" as="h4">
        Try it
      </Heading>
      <div className="mb-row">
        <Search
          label="Person"
          isClearable
          placeholder="Search people"
          nothingTyped="Type a name"
          hint="Somebody whose rights Mailbridge has to know."
          value={person && personOption(person)}
          search={searchPeople}
          searchesAtOnce={false}
          onChange={setPerson}
        />
        <Search
          label="Project to try"
          isClearable
          placeholder="Search projects"
          value={project && projectOption(project)}
          search={searchProjects}
          searchesAtOnce
          onChange={setProject}
        />
      </div>
      <div>
        <Button onClick={test} isLoading={isBusy}>
          Test the look-up user
        </Button>
      </div>
      {problem && <ProblemMessage problem={problem} />}
      {findings && (
        <InView role="status">
          <CheckList label="Findings" checks={findingsAsChecks(findings)} />
        </InView>
      )}
    </div>
  );
}
