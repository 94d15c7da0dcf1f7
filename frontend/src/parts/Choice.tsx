/** Selects that work inside a modal: of given options, and of options searched on the server. */
import AsyncSelect from '@atlaskit/select/AsyncSelect';
import Select from '@atlaskit/select/Select';
import { useMemo } from 'react';
import { asProblem } from '../api/problem';
import { Field, type FieldProps } from './Field';
import { debounced } from './debounced';

export interface Option<T> {
  label: string;
  value: string;
  of: T;
}

interface Shared extends Omit<FieldProps, 'children'> {
  placeholder?: string;
  isClearable?: boolean;
  isDisabled?: boolean;
}

interface ChoiceProps<T> extends Shared {
  value: string | null;
  options: readonly Option<T>[];
  onChange: (of: T | null) => void;
  isLoading?: boolean;
}

/** The menu is drawn on the body: a modal's scroll box would cut it off. */
const MENU = {
  menuPortalTarget: typeof document === 'undefined' ? undefined : document.body,
  menuPosition: 'fixed',
  styles: { menuPortal: (base: object) => ({ ...base, zIndex: 1000 }) },
} as const;

export function Choice<T>(props: ChoiceProps<T>) {
  const { value, options, onChange, placeholder, isClearable = false, isDisabled = false, isLoading = false, ...field } = props;
  return (
    <Field {...field}>
      {({ id, isInvalid, ...control }) => (
        <Select<Option<T>>
          {...MENU}
          {...control}
          inputId={id}
          descriptionId={control['aria-describedby']}
          isInvalid={isInvalid}
          options={options}
          value={options.find((option) => option.value === value) ?? null}
          onChange={(chosen) => onChange(chosen?.of ?? null)}
          placeholder={placeholder ?? 'Choose'}
          isClearable={isClearable}
          isDisabled={isDisabled}
          isLoading={isLoading}
        />
      )}
    </Field>
  );
}

interface SearchProps<T> extends Shared {
  value: Option<T> | null;
  onChange: (of: T | null) => void;
  search: (text: string) => Promise<Option<T>[]>;
  /** Also asks without any text, to have options at once. */
  searchesAtOnce: boolean;
  nothingTyped?: string;
}

const PAUSE_MS = 250;

export function Search<T>(props: SearchProps<T>) {
  const { value, onChange, search, searchesAtOnce, nothingTyped, placeholder, isClearable = false, isDisabled = false, ...field } = props;
  const load = useMemo(() => debounced(search, PAUSE_MS), [search]);
  return (
    <Field {...field}>
      {({ id, isInvalid, ...control }) => (
        <AsyncSelect<Option<T>>
          {...MENU}
          {...control}
          inputId={id}
          descriptionId={control['aria-describedby']}
          isInvalid={isInvalid}
          defaultOptions={searchesAtOnce}
          loadOptions={(text: string) => load(text).catch(failedOption)}
          isOptionDisabled={(option: Option<T>) => option.value === FAILED}
          value={value}
          onChange={(chosen: Option<T> | null) => onChange(chosen?.of ?? null)}
          noOptionsMessage={({ inputValue }: { inputValue: string }) =>
            inputValue === '' && nothingTyped ? nothingTyped : 'Nothing found'
          }
          placeholder={placeholder ?? 'Search'}
          isClearable={isClearable}
          isDisabled={isDisabled}
        />
      )}
    </Field>
  );
}

const FAILED = '\u0000failed';

/** A failed search says so in the list: an empty list would read as "there is none". */
function failedOption<T>(thrown: unknown): Option<T>[] {
  return [{ label: asProblem(thrown).message, value: FAILED, of: null as T }];
}
