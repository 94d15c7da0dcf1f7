/** What a new installation shows: what Mailbridge does and the three steps until it does. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';

interface Props {
  onConnect: () => void;
  /** Null where outgoing mail is somebody else's to set up. */
  onShowOutgoing: (() => void) | null;
}

export function GettingStarted({ onConnect, onShowOutgoing }: Props) {
  return (
    <div className="mb-start">
      <Heading size="small" as="h3">
        Turn email into issues, and comments into email
      </Heading>
      <p>No mailbox is connected yet. {onShowOutgoing ? 'Three' : 'Two'} steps, about five minutes:</p>
      <ol className="mb-steps">
        <li>
          <strong>Connect a mailbox.</strong> You need its address, a way to log in, and the project that new issues go to.
          <div>
            <Button appearance="primary" onClick={onConnect}>
              Connect a mailbox
            </Button>
          </div>
        </li>
        {onShowOutgoing && (
          <li>
            <strong>Set up outgoing mail</strong>, so that people read your comments by email.
            <div>
              <Button onClick={onShowOutgoing}>Set up outgoing mail</Button>
            </div>
          </li>
        )}
        <li>
          <strong>Write a mail to the mailbox</strong> and look at “What came in”: within seconds it tells what became of it and why.
        </li>
      </ol>
    </div>
  );
}
