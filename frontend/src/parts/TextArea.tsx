/** Several lines of text with their label. */
import { Field, type FieldProps } from './Field';

interface Props extends Omit<FieldProps, 'children'> {
  name: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  rows?: number;
}

export function TextArea({ name, value, onChange, placeholder, rows = 3, ...field }: Props) {
  return (
    <Field {...field}>
      {({ isInvalid, ...control }) => (
        <textarea
          {...control}
          className="mb-textarea"
          aria-invalid={isInvalid || undefined}
          name={name}
          rows={rows}
          value={value}
          placeholder={placeholder}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}
