/** A labelled control with its hint and its error, tied together for assistive technology. */
import { useId, type ReactNode } from 'react';

export interface ControlProps {
  id: string;
  'aria-describedby': string | undefined;
  'aria-required': boolean | undefined;
  isInvalid: boolean;
}

export interface FieldProps {
  label: string;
  isRequired?: boolean;
  hint?: ReactNode;
  error?: string | undefined;
  children: (control: ControlProps) => ReactNode;
}

export function Field({ label, isRequired = false, hint, error, children }: FieldProps) {
  const id = useId();
  const about = [hint ? `${id}-hint` : '', error ? `${id}-error` : ''].filter(Boolean).join(' ');
  return (
    <div className="mb-field" data-invalid={error ? true : undefined}>
      <label htmlFor={id} className="mb-label">
        {label}
        {isRequired && (
          <span className="mb-required" aria-hidden="true">
            *
          </span>
        )}
      </label>
      {children({ id, 'aria-describedby': about || undefined, 'aria-required': isRequired || undefined, isInvalid: Boolean(error) })}
      {hint && (
        <div id={`${id}-hint`} className="mb-hint">
          {hint}
        </div>
      )}
      {error && (
        <div id={`${id}-error`} className="mb-error" role="alert">
          {error}
        </div>
      )}
    </div>
  );
}
