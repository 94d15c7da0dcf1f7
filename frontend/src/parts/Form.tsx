/** A form that checks its fields itself and does what it is for without leaving the page. */
import type { ReactNode } from 'react';
import type { Form as Doings } from './useForm';

interface Props {
  id?: string;
  className?: string;
  attach: Doings<string>['attach'];
  onSubmit: () => unknown;
  children: ReactNode;
}

export function Form({ id, className = 'mb-form', attach, onSubmit, children }: Props) {
  return (
    <form
      id={id}
      ref={attach}
      className={className}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
    </form>
  );
}
