/** What belongs to Jira, as the HTTP API has it. */

export interface Project {
  id: string;
  key: string;
  name: string;
}

export interface IssueType {
  id: string;
  name: string;
  subtask?: boolean;
}

export interface Person {
  account_id: string;
  name: string;
}
