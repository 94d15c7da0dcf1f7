/** A value to be pasted somewhere else, with a button that copies it. */
import Button from '@atlaskit/button/new';
import Textfield from '@atlaskit/textfield';
import { useEffect, useRef, useState } from 'react';
import { Field } from './Field';

interface Props {
  label: string;
  value: string;
  hint?: string;
  /** Shown as dots until somebody asks to see it; copied as it is. */
  isSecret?: boolean;
}

const SHOWN_MS = 3_000;

export function CopyField({ label, value, hint, isSecret = false }: Props) {
  const [isOpen, setOpen] = useState(!isSecret);
  const [said, setSaid] = useState('');
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (said === '') return undefined;
    const timer = setTimeout(() => setSaid(''), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);

  async function copy() {
    try {
      await navigator.clipboard.writeText(value);
      setSaid('Copied');
    } catch {
      // Without https there is no clipboard to write to: the value is marked, and the person copies it.
      setOpen(true);
      requestAnimationFrame(() => input.current?.select());
      setSaid('Marked: press Ctrl+C');
    }
  }

  return (
    <Field label={label} hint={hint}>
      {({ id, 'aria-describedby': about }) => (
        <div className="mb-copy">
          <Textfield id={id} aria-describedby={about} ref={input} isReadOnly type={isOpen ? 'text' : 'password'} value={value} autoComplete="off" />
          {isSecret && (
            <Button onClick={() => setOpen(!isOpen)} aria-label={`${isOpen ? 'Hide' : 'Show'} ${label}`}>
              {isOpen ? 'Hide' : 'Show'}
            </Button>
          )}
          <Button onClick={copy} aria-label={`Copy ${label}`}>
            Copy
          </Button>
          <span role="status" className="mb-quiet">
            {said}
          </span>
        </div>
      )}
    </Field>
  );
}
