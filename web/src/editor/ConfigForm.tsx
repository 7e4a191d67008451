/** The settings of a node: a form made from the JSON Schema of its type. */

import { Button, Input, Select } from 'antd';
import { type ReactNode, useEffect, useState } from 'react';
import type { JsonSchema, Words } from '../api/types';
import { type Texts, useTexts } from '../i18n';
import { Field, type FieldProps, JsonField, resolved, sample, withMember } from '../shell/SchemaForm';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function ConfigForm({
  schema,
  labels,
  value,
  onChange,
  errors,
}: {
  schema: JsonSchema;
  /** What settings are called that the page has no word for. */
  labels: Record<string, Words>;
  value: Record<string, unknown>;
  /** `name`: of the setting that is changed. */
  onChange: (value: Record<string, unknown>, name: string) => void;
  errors: ReadonlyMap<string, ReactNode>;
}) {
  const { word, language } = useTexts();
  const words = {
    member: (name: string) => labels[name]?.[language] ?? word('setting', name),
    choice: (one: string) => word('choice', one),
  };
  return (
    <div className="app-form">
      {Object.entries(schema.properties ?? {}).map(([name, part]) => (
        <Setting
          key={name}
          name={words.member(name)}
          words={words}
          schema={part}
          definitions={schema.$defs ?? {}}
          required={schema.required?.includes(name)}
          error={errors.get(name)}
          value={Object.hasOwn(value, name) ? value[name] : undefined}
          onChange={(next) => onChange(withMember(value, name, next), name)}
        />
      ))}
    </div>
  );
}

function Setting(props: FieldProps) {
  const schema = resolved(props.schema, props.definitions);
  // What is null is not set.
  const value = props.value === null ? undefined : props.value;
  if (isMap(schema) && (value === undefined || isObject(value))) {
    return <MapField {...props} schema={schema} value={value} />;
  }
  const kinds = kindsOf(schema, props.definitions);
  if (kinds.length > 1) return <UnionField {...props} schema={schema} value={value} kinds={kinds} />;
  // Not set is neither yes nor no.
  const unset = schema.type === 'boolean' && typeof schema.default !== 'boolean';
  const shown = unset ? { ...schema, type: undefined, enum: [true, false] } : props.schema;
  return <Field {...props} schema={shown} value={value} />;
}

const isMap = (schema: JsonSchema): boolean =>
  schema.type === 'object' &&
  schema.properties === undefined &&
  typeof schema.additionalProperties === 'object';

/** What a value may be, one after the other; empty where one control does for all. */
function kindsOf(schema: JsonSchema, definitions: FieldProps['definitions']): JsonSchema[] {
  const anything =
    schema.type === undefined && schema.anyOf === undefined && schema.enum === undefined;
  if (anything) return [{}, { type: 'string' }];
  const flat = (one: JsonSchema): JsonSchema[] => {
    const found = resolved(one, definitions);
    return found.anyOf === undefined ? [found] : found.anyOf.flatMap(flat);
  };
  const kinds = schema.anyOf?.flatMap(flat) ?? [];
  const plain = kinds.every((one) => one.enum === undefined && isScalar(one));
  if (plain) return [];
  const numbers = kinds.findIndex((one) => isNumber(one));
  return kinds.filter((one, index) => !isNumber(one) || index === numbers);
}

const isNumber = (schema: JsonSchema) => schema.type === 'integer' || schema.type === 'number';
const isScalar = (schema: JsonSchema) =>
  isNumber(schema) || schema.type === 'string' || schema.type === 'boolean';

function fits(value: unknown, kind: JsonSchema): boolean {
  if (kind.enum !== undefined) return kind.enum.includes(value);
  switch (kind.type) {
    case 'string':
    case 'boolean':
      return typeof value === kind.type;
    case 'integer':
    case 'number':
      return typeof value === 'number';
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value) && (kind.required ?? []).every((name) => Object.hasOwn(value, name));
    default:
      return kind.type === undefined && typeof value !== 'string';
  }
}

/** What a value of another kind begins as; undefined: it is not set yet. */
function beginning(kind: JsonSchema, definitions: FieldProps['definitions']): unknown {
  if (kind.type === 'array') return [];
  if (kind.type !== 'object') return undefined;
  const parts = Object.entries(kind.properties ?? {});
  const needed = parts.filter(([name]) => kind.required?.includes(name));
  return Object.fromEntries(needed.map(([name, part]) => [name, sample(part, definitions)]));
}

function kindName(kind: JsonSchema, { t }: Texts): string {
  if (kind.enum !== undefined) return t('edit.kind.choice');
  if (kind.type === 'string') return t('edit.kind.text');
  if (isNumber(kind)) return t('edit.kind.number');
  if (kind.type === 'array') return t('edit.kind.list');
  return Object.keys(kind.properties ?? {}).join(', ') || t('edit.kind.json');
}

/** A value of one of several kinds, of which one is chosen. */
function UnionField({ kinds, ...props }: FieldProps & { kinds: JsonSchema[] }) {
  const texts = useTexts();
  const [chosen, setChosen] = useState(0);
  const { value, definitions, name } = props;
  const own = kinds[chosen] !== undefined && fits(value, kinds[chosen]);
  const at = value === undefined || own ? chosen : kinds.findIndex((one) => fits(value, one));
  return (
    <fieldset className="app-fieldset">
      <legend>
        {name}
        {props.required && <span aria-hidden> *</span>}
      </legend>
      {props.schema.description && (
        <div className="app-soft app-note">{props.schema.description}</div>
      )}
      <Select
        size="small"
        aria-label={texts.t('edit.kind', { name })}
        value={at < 0 ? undefined : at}
        onChange={(next: number) => {
          setChosen(next);
          props.onChange(beginning(kinds[next] ?? {}, definitions));
        }}
        options={kinds.map((one, index) => ({ value: index, label: kindName(one, texts) }))}
      />
      <Field
        key={at}
        {...props}
        required={false}
        schema={{ ...kinds[at], description: undefined }}
        name={at < 0 ? 'JSON' : kindName(kinds[at] ?? {}, texts)}
      />
    </fieldset>
  );
}

/** Names, each with a value. */
function MapField({ schema, definitions, name, value, onChange, required, error }: FieldProps) {
  const { t } = useTexts();
  const entries = Object.entries(isObject(value) ? value : {});
  const part = resolved((schema.additionalProperties || {}) as JsonSchema, definitions);
  const put = (next: [string, unknown][]) =>
    onChange(next.length || required ? Object.fromEntries(next) : undefined);
  const free = () => {
    const taken = new Set(entries.map(([key]) => key));
    let count = entries.length + 1;
    while (taken.has(`key${count}`)) count += 1;
    return `key${count}`;
  };
  return (
    <fieldset className="app-fieldset">
      <legend>
        {name}
        {required && <span aria-hidden> *</span>}
      </legend>
      {part.description && <div className="app-soft app-note">{part.description}</div>}
      {entries.map(([key, one], index) => {
        const set = (next: unknown) =>
          put(entries.map((entry, at) => (at === index ? [key, next ?? ''] : entry)));
        return (
          <div className="pf-map-entry" key={index}>
            <KeyInput
              label={`${name}, ${t('edit.key')} ${index + 1}`}
              value={key}
              taken={(next) => entries.some(([other], at) => at !== index && other === next)}
              onChange={(next) =>
                put(entries.map((entry, at) => (at === index ? [next, entry[1]] : entry)))
              }
            />
            {part.type === 'string' && typeof one === 'string' ? (
              <Input.TextArea
                aria-label={`${name}, ${key}`}
                autoSize={{ minRows: 1, maxRows: 8 }}
                value={one}
                onChange={(event) => set(event.target.value)}
              />
            ) : (
              <JsonField name={`${name}, ${key}`} value={one} onChange={set} rows={1} />
            )}
            <Button
              size="small"
              aria-label={`${t('start.remove')} ${name}, ${key}`}
              onClick={() => put(entries.filter((_, at) => at !== index))}
            >
              ×
            </Button>
          </div>
        );
      })}
      <Button size="small" onClick={() => put([...entries, [free(), '']])}>
        {t('edit.addEntry')}
      </Button>
      {error && (
        <div className="app-field-error" role="alert">
          {error}
        </div>
      )}
    </fieldset>
  );
}

/** A name that counts when it is left, and that nothing else may have. */
export function KeyInput({
  id,
  label,
  value,
  taken,
  onChange,
  disabled,
}: {
  id?: string;
  label?: string;
  value: string;
  taken: (next: string) => boolean;
  onChange: (next: string) => void;
  disabled?: boolean;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const wrong = text === '' || taken(text);
  const done = () => {
    if (wrong) setText(value);
    else if (text !== value) onChange(text);
  };
  return (
    <Input
      id={id}
      aria-label={label}
      aria-invalid={wrong}
      status={wrong ? 'error' : undefined}
      disabled={disabled}
      value={text}
      onChange={(event) => setText(event.target.value)}
      onBlur={done}
      onPressEnter={done}
    />
  );
}
