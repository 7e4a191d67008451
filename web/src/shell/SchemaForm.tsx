/** A form made from a JSON Schema; what it cannot express is typed in as JSON. */

import { Button, Input, InputNumber, Select, Switch } from 'antd';
import { type ReactNode, useEffect, useId, useState } from 'react';
import type { JsonSchema } from '../api/types';
import { useTexts } from '../i18n';
import { instant, local } from './Period';

type Definitions = Record<string, JsonSchema>;

/** A schema without its references, and without `null` among its types; what is left of `anyOf`. */
export function resolved(schema: JsonSchema, definitions: Definitions, depth = 0): JsonSchema {
  if (depth > 20) return {};
  if (schema.$ref !== undefined) {
    const found = definitions[schema.$ref.split('/').pop() ?? ''];
    const { $ref: _, ...rest } = schema;
    return found === undefined ? rest : resolved({ ...found, ...rest }, definitions, depth + 1);
  }
  if (schema.allOf?.length === 1) {
    const { allOf, ...rest } = schema;
    return resolved({ ...allOf[0], ...rest }, definitions, depth + 1);
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) {
    const real = choices
      .map((one) => resolved(one, definitions, depth + 1))
      .filter((one) => one.type !== 'null');
    if (real.length === 1) {
      const { anyOf: _any, oneOf: _one, ...rest } = schema;
      return { ...real[0], ...rest };
    }
    const constants = real.flatMap((one) => ('const' in one ? [one.const] : (one.enum ?? [])));
    if (constants.length && real.every((one) => 'const' in one || one.enum)) {
      return { ...schema, anyOf: undefined, oneOf: undefined, enum: constants };
    }
    return { ...schema, anyOf: real, oneOf: undefined };
  }
  if (Array.isArray(schema.type)) {
    const types = schema.type.filter((one) => one !== 'null');
    if (types.length === 1) return { ...schema, type: types[0] };
  }
  return schema;
}

/** A value that a schema would accept, to begin with. */
export function sample(schema: JsonSchema, definitions: Definitions = schema.$defs ?? {}): unknown {
  const one = resolved(schema, definitions);
  if (one.default !== undefined) return one.default;
  if (one.const !== undefined) return one.const;
  if (one.enum?.length) return one.enum[0];
  if (one.anyOf?.length) return sample(one.anyOf[0] as JsonSchema, definitions);
  switch (one.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(one.properties ?? {}).map(([name, part]) => [
          name,
          sample(part, definitions),
        ]),
      );
    case 'array':
      return one.items ? [sample(one.items, definitions)] : [];
    case 'integer':
    case 'number':
      return Math.max(one.minimum ?? 1, Math.min(1, one.maximum ?? 1));
    case 'boolean':
      return false;
    case 'string':
      return one.format === 'date-time' ? new Date().toISOString() : '';
    default:
      return null;
  }
}

export interface FieldProps {
  schema: JsonSchema;
  definitions: Definitions;
  name: string;
  value: unknown;
  onChange: (value: unknown) => void;
  required?: boolean;
  disabled?: boolean;
  /** What is wrong with it. */
  error?: ReactNode;
  words?: Words;
}

/** What members and choices are called, where the schema has no titles for them. */
export interface Words {
  member: (name: string) => string;
  choice: (value: string) => string;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The fields of an object; a field that is emptied is left out of it. */
export function SchemaForm({
  schema,
  value,
  onChange,
  disabled,
  errors = {},
  hidden = [],
  words,
}: {
  schema: JsonSchema;
  value: Record<string, unknown>;
  onChange: (value: Record<string, unknown>) => void;
  disabled?: boolean;
  errors?: Record<string, ReactNode>;
  hidden?: readonly string[];
  words?: Words;
}) {
  const definitions = schema.$defs ?? {};
  const whole = resolved(schema, definitions);
  return (
    <div className="app-form">
      {Object.entries(whole.properties ?? {})
        .filter(([name]) => !hidden.includes(name))
        .map(([name, part]) => (
          <Field
            key={name}
            name={words?.member(name) ?? name}
            words={words}
            schema={part}
            definitions={definitions}
            required={whole.required?.includes(name)}
            disabled={disabled}
            error={errors[name]}
            value={Object.hasOwn(value, name) ? value[name] : undefined}
            onChange={(next) => onChange(withMember(value, name, next))}
          />
        ))}
    </div>
  );
}

/** An object with a member set, or left out where the value is undefined; the order is kept. */
export function withMember(
  object: Record<string, unknown>,
  name: string,
  value: unknown,
): Record<string, unknown> {
  const entries = Object.entries(object);
  const at = entries.findIndex(([one]) => one === name);
  if (value === undefined) {
    if (at >= 0) entries.splice(at, 1);
  } else if (at >= 0) entries[at] = [name, value];
  else entries.push([name, value]);
  return Object.fromEntries(entries);
}

export function Field(props: FieldProps) {
  const id = useId();
  const schema = resolved(props.schema, props.definitions);
  const label = schema.title && schema.title !== props.name ? schema.title : props.name;
  const shown = (
    <>
      {label}
      {props.required && <span aria-hidden> *</span>}
    </>
  );
  const plain =
    schema.type === 'object' && schema.properties !== undefined && (isObject(props.value) || props.value === undefined);
  const list = schema.type === 'array' && (Array.isArray(props.value) || props.value === undefined);
  const note = (
    <>
      {schema.description && <div className="app-soft app-note">{schema.description}</div>}
      {props.error && (
        <div className="app-field-error" role="alert">
          {props.error}
        </div>
      )}
    </>
  );
  if (plain || list) {
    return (
      <fieldset className="app-fieldset">
        <legend>{shown}</legend>
        {note}
        {plain ? (
          <SchemaForm
            schema={{ ...schema, $defs: props.definitions }}
            value={isObject(props.value) ? props.value : {}}
            disabled={props.disabled}
            words={props.words}
            onChange={(next) =>
              props.onChange(Object.keys(next).length || props.required ? next : undefined)
            }
          />
        ) : (
          <Items {...props} schema={schema} />
        )}
      </fieldset>
    );
  }
  return (
    <div className="app-field">
      <label htmlFor={id}>{shown}</label>
      <Control {...props} schema={schema} id={id} />
      {note}
    </div>
  );
}

function Items({ schema, definitions, value, onChange, disabled, name, words }: FieldProps) {
  const { t } = useTexts();
  const items = Array.isArray(value) ? value : [];
  const part = schema.items ?? {};
  return (
    <>
      {items.map((item, index) => (
        <div className="app-item" key={index}>
          <Field
            name={`${name} ${index + 1}`}
            words={words}
            schema={part}
            definitions={definitions}
            disabled={disabled}
            value={item}
            onChange={(next) => onChange(items.map((one, at) => (at === index ? (next ?? null) : one)))}
          />
          <Button
            size="small"
            disabled={disabled}
            aria-label={`${t('start.remove')} ${name} ${index + 1}`}
            onClick={() => onChange(items.filter((_, at) => at !== index))}
          >
            ×
          </Button>
        </div>
      ))}
      <Button
        size="small"
        disabled={disabled}
        onClick={() => onChange([...items, sample(part, definitions)])}
      >
        {t('start.add')}
      </Button>
    </>
  );
}

type ControlProps = FieldProps & { id: string };

function Control({ schema, value, onChange, disabled, id, ...rest }: ControlProps) {
  if (schema.enum !== undefined && schema.enum.every((one) => typeof one !== 'object')) {
    return (
      <Select
        id={id}
        allowClear
        disabled={disabled}
        value={value === undefined ? undefined : String(value)}
        onChange={(chosen?: string) => onChange(schema.enum?.find((one) => String(one) === chosen))}
        options={schema.enum.map((one) => ({
          value: String(one),
          label: rest.words?.choice(String(one)) ?? String(one),
        }))}
        style={{ width: '100%' }}
      />
    );
  }
  if (schema.type === 'boolean' && (value === undefined || typeof value === 'boolean')) {
    return <Switch id={id} disabled={disabled} checked={value ?? false} onChange={onChange} />;
  }
  const numeric = schema.type === 'number' || schema.type === 'integer';
  if (numeric && (value === undefined || value === null || typeof value === 'number')) {
    return (
      <InputNumber
        id={id}
        disabled={disabled}
        value={value as number | undefined}
        min={schema.minimum}
        max={schema.maximum}
        precision={schema.type === 'integer' ? 0 : undefined}
        onChange={(next) => onChange(next ?? undefined)}
        style={{ width: '100%' }}
      />
    );
  }
  const text = schema.type === 'string' || schema.anyOf?.some((one) => one.type === 'string');
  if (text && (value === undefined || typeof value === 'string')) {
    if (schema.format === 'date-time') {
      return (
        <Input
          id={id}
          type="datetime-local"
          disabled={disabled}
          value={local(value)}
          onChange={(event) => onChange(instant(event.target.value))}
        />
      );
    }
    return (
      <Input.TextArea
        id={id}
        autoSize={{ minRows: 1, maxRows: 8 }}
        disabled={disabled}
        value={value ?? ''}
        onChange={(event) => onChange(event.target.value === '' ? undefined : event.target.value)}
      />
    );
  }
  return (
    <JsonField id={id} value={value} onChange={onChange} disabled={disabled} name={rest.name} />
  );
}

/** A value typed in as JSON; what is no JSON is kept on the screen, and nowhere else. */
export function JsonField({
  id,
  value,
  onChange,
  disabled,
  name,
  rows = 2,
}: {
  id?: string;
  value: unknown;
  onChange: (value: unknown) => void;
  disabled?: boolean;
  name: string;
  rows?: number;
}) {
  const { t } = useTexts();
  const [text, setText] = useState(() => shownJson(value));
  const [wrong, setWrong] = useState(false);
  useEffect(() => {
    setText((before) => (sameJson(before, value) ? before : shownJson(value)));
  }, [value]);
  return (
    <>
      <Input.TextArea
        id={id}
        aria-label={id === undefined ? `${name}, ${t('edit.json')}` : undefined}
        className="app-paste"
        autoSize={{ minRows: rows, maxRows: 16 }}
        spellCheck={false}
        disabled={disabled}
        status={wrong ? 'error' : undefined}
        value={text}
        onChange={(event) => {
          const next = event.target.value;
          setText(next);
          if (!next.trim()) {
            setWrong(false);
            onChange(undefined);
            return;
          }
          try {
            const parsed: unknown = JSON.parse(next);
            setWrong(false);
            onChange(parsed);
          } catch {
            setWrong(true);
          }
        }}
      />
      {wrong && (
        <div className="app-field-error" role="alert">
          {t('edit.notJson')}
        </div>
      )}
    </>
  );
}

function shownJson(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value, null, 2);
}

function sameJson(text: string, value: unknown): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(value);
  } catch {
    return text.trim() === '' && value === undefined;
  }
}
