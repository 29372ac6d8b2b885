// HubSpot's own Node client against the simulated portal, as an integration would use it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '@hubspot/api-client';

const { url, token, client_id, client_secret, refresh_token } = JSON.parse(process.env.CRMSIM).hubspot;
const client = new Client({ accessToken: token, basePath: url, numberOfApiCallRetries: 3 });
const unique = (name) => `${name}-${process.pid}@clients.example.com`;
const code = (status) => (err) => err.code === status;

const contact = async (email, more = {}) =>
  client.crm.contacts.basicApi.create({ properties: { email, ...more }, associations: [] });

test('a contact is created, read, updated and archived', async () => {
  const email = unique('life');
  const made = await contact(email, { firstname: 'Dana' });
  const read = await client.crm.contacts.basicApi.getById(made.id, ['email', 'firstname', 'no_such_property']);
  assert.equal(read.properties.email, email);
  assert.equal(read.properties.no_such_property, undefined);
  await client.crm.contacts.basicApi.update(made.id, { properties: { firstname: 'Dina' } });
  const history = await client.crm.contacts.basicApi.getById(made.id, undefined, ['firstname']);
  assert.deepEqual(history.propertiesWithHistory.firstname.map((v) => v.value), ['Dina', 'Dana']);
  await client.crm.contacts.basicApi.archive(made.id);
  await assert.rejects(client.crm.contacts.basicApi.getById(made.id), code(404));
});

test('a second contact with the same e-mail is refused with the id of the first', async () => {
  const email = unique('twice');
  const made = await contact(email);
  await assert.rejects(contact(email), (err) => err.code === 409 && err.body.message.includes(`Existing ID: ${made.id}`));
});

test('bad values are refused by name', async () => {
  await assert.rejects(contact(unique('bad'), { no_such_property: 'x' }), (err) => err.code === 400 && err.body.category === 'VALIDATION_ERROR');
  await assert.rejects(contact(unique('bad2'), { lifecyclestage: 'no such stage' }), code(400));
});

test('batches create, read, update, upsert and archive', async () => {
  const emails = [1, 2, 3].map((n) => unique(`batch${n}`));
  const made = await client.crm.contacts.batchApi.create({ inputs: emails.map((email) => ({ properties: { email }, associations: [] })) });
  const ids = made.results.map((r) => r.id);
  assert.equal(ids.length, 3);
  const read = await client.crm.contacts.batchApi.read({ properties: ['email'], propertiesWithHistory: [], inputs: [...ids, '1'].map((id) => ({ id })) });
  assert.equal(read.results.length, 3, 'the unknown id is not among the results');
  const updated = await client.crm.contacts.batchApi.update({ inputs: ids.map((id) => ({ id, properties: { firstname: 'Bea' } })) });
  assert.ok(updated.results.every((r) => r.properties.firstname === 'Bea'));
  const upserted = await client.crm.contacts.batchApi.upsert({
    inputs: [{ id: emails[0], idProperty: 'email', properties: { firstname: 'Ana' } }, { id: unique('new'), idProperty: 'email', properties: { firstname: 'New' } }],
  });
  assert.equal(upserted.results.length, 2);
  await client.crm.contacts.batchApi.archive({ inputs: ids.map((id) => ({ id })) });
  const archived = await client.crm.contacts.basicApi.getPage(100, undefined, ['email'], undefined, undefined, true);
  assert.ok(ids.every((id) => archived.results.some((r) => r.id === id)));
});

test('a whole listing is paged', async () => {
  const all = await client.crm.companies.getAll(7, undefined, ['name', 'domain']);
  assert.ok(all.length > 7);
  assert.equal(new Set(all.map((c) => c.id)).size, all.length);
});

test('search filters, sorts and pages', async () => {
  const domain = 'acme.com';
  const found = await client.crm.companies.searchApi.doSearch({
    filterGroups: [{ filters: [{ propertyName: 'domain', operator: 'EQ', value: domain }] }],
    sorts: ['hs_object_id'], properties: ['name', 'domain'], limit: 10, after: '0', query: '',
  });
  assert.equal(found.results[0].properties.domain, domain);
  await assert.rejects(client.crm.companies.searchApi.doSearch({
    filterGroups: [], sorts: [], properties: [], limit: 200, after: '10000', query: '',
  }), code(400));
});

test('a task hangs on its contact', async () => {
  const who = await contact(unique('task'));
  const task = await client.crm.objects.tasks.basicApi.create({
    properties: { hs_timestamp: new Date().toISOString(), hs_task_subject: 'Call', hs_task_status: 'NOT_STARTED' },
    associations: [{ to: { id: who.id }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 204 }] }],
  });
  const read = await client.crm.contacts.basicApi.getById(who.id, undefined, undefined, ['tasks']);
  assert.deepEqual(read.associations.tasks.results.map((t) => t.id), [task.id]);
  await assert.rejects(client.crm.objects.tasks.basicApi.create({ properties: { hs_task_subject: 'no date' }, associations: [] }), code(400));
});

test('tickets and activities are written with the properties of the manual', async () => {
  const ticket = await client.crm.tickets.basicApi.create({
    properties: { subject: 'Broken', hs_pipeline: '0', hs_pipeline_stage: '1', hs_ticket_priority: 'HIGH', hs_ticket_category: 'BILLING_ISSUE' }, associations: [],
  });
  const at = (id, typeId) => ({ to: { id }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: typeId }] });
  const note = await client.crm.objects.notes.basicApi.create({
    properties: { hs_timestamp: new Date().toISOString(), hs_note_body: 'Asked for the invoice', hs_attachment_ids: '1;2' }, associations: [at(ticket.id, 228)],
  });
  const read = await client.crm.tickets.basicApi.getById(ticket.id, ['hs_ticket_priority'], undefined, ['notes']);
  assert.equal(read.properties.hs_ticket_priority, 'HIGH');
  assert.deepEqual(read.associations.notes.results.map((n) => n.id), [note.id]);
  await client.crm.objects.calls.basicApi.create({
    properties: { hs_timestamp: Date.now().toString(), hs_call_body: 'Called back', hs_call_from_number: '1', hs_call_to_number: '2', hs_call_status: 'COMPLETED' }, associations: [],
  });
});

test('a crowd of associations is read to its end', async () => {
  const deal = await client.crm.deals.basicApi.create({ properties: { dealname: 'Crowd', dealstage: 'qualifiedtobuy', pipeline: 'default' }, associations: [] });
  for (const batch of [1, 2]) {
    const inputs = Array.from({ length: 60 }, (_, n) => ({
      properties: { email: unique(`crowd${batch}-${n}`) },
      associations: [{ to: { id: deal.id }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 4 }] }],
    }));
    await client.crm.contacts.batchApi.create({ inputs });
  }
  const beside = await client.crm.deals.basicApi.getById(deal.id, undefined, undefined, ['contacts']);
  assert.equal(beside.associations.contacts.results.length, 100);
  assert.ok(beside.associations.contacts.paging.next.after);
  const seen = new Set();
  for (let after; ;) {
    const page = await client.crm.associations.v4.basicApi.getPage('deals', deal.id, 'contacts', after, 50);
    page.results.forEach((r) => seen.add(r.toObjectId));
    after = page.paging?.next?.after;
    if (!after) break;
  }
  assert.equal(seen.size, 120);
});

test('an update of nothing is refused', async () => {
  const made = await contact(unique('nothing'));
  await assert.rejects(client.crm.contacts.basicApi.update(made.id, { properties: {} }), code(400));
});

test('associations are made, read and taken away', async () => {
  const who = await contact(unique('assoc'));
  const company = await client.crm.companies.basicApi.create({ properties: { name: 'Clients Ltd' }, associations: [] });
  await client.crm.associations.v4.basicApi.createDefault('contacts', who.id, 'companies', company.id);
  const read = await client.crm.associations.v4.basicApi.getPage('contacts', who.id, 'companies');
  assert.equal(String(read.results[0].toObjectId), company.id);
  assert.ok(read.results[0].associationTypes.some((t) => t.typeId === 1), 'the first company is the primary one');
  await client.crm.associations.v4.basicApi.archive('contacts', who.id, 'companies', company.id);
  assert.equal((await client.crm.associations.v4.basicApi.getPage('contacts', who.id, 'companies')).results.length, 0);
});

test('associations as before: by name, in batches, and with the default type', async () => {
  const who = await contact(unique('assoc3'));
  const company = await client.crm.companies.basicApi.create({ properties: { name: 'Clients Three' }, associations: [] });
  const pair = { _from: { id: who.id }, to: { id: company.id } };
  const made = await client.crm.associations.v4.batchApi.createDefault('contacts', 'companies', { inputs: [pair] });
  assert.equal(made.status, 'COMPLETE');
  const read = await client.apiRequest({ method: 'POST', path: '/crm/v3/associations/contacts/companies/batch/read', body: { inputs: [{ id: who.id }] } });
  const { results } = await read.json();
  assert.ok(results[0].to.every((t) => t.id === company.id) && results[0].to.some((t) => t.type === 'contact_to_company'));
  const found = await client.crm.contacts.searchApi.doSearch({
    filterGroups: [], sorts: [JSON.stringify({ propertyName: 'createdate', direction: 'DESCENDING' })], properties: ['email'], limit: 1, after: '0',
  });
  assert.ok(found.total > 0);
});

test('schemas, property groups and tokens are told', async () => {
  assert.deepEqual((await client.crm.schemas.coreApi.getAll()).results, []);
  assert.equal((await client.crm.properties.groupsApi.getByName('contacts', 'contactinformation')).name, 'contactinformation');
  const named = await client.crm.properties.batchApi.read('contacts', { archived: false, inputs: [{ name: 'email' }] });
  assert.deepEqual(named.results.map((p) => p.name), ['email']);
  const about = await client.oauth.refreshTokensApi.get(refresh_token);
  assert.equal(about.clientId, client_id);
  await assert.rejects(client.crm.lineItems.basicApi.getPage(), code(403));
});

test('a merge leaves one record that both ids lead to', async () => {
  const [a, b] = [await contact(unique('merge-a')), await contact(unique('merge-b'))];
  const answer = await client.apiRequest({ method: 'POST', path: '/crm/v3/objects/contacts/merge', body: { primaryObjectId: a.id, objectIdToMerge: b.id } });
  const merged = await answer.json();
  for (const id of [a.id, b.id]) {
    assert.equal((await client.crm.contacts.basicApi.getById(id)).id, merged.id);
  }
});

test('owners, properties and pipelines can be read', async () => {
  const owners = await client.crm.owners.ownersApi.getPage();
  assert.ok(owners.results.some((o) => o.email === 'ana@example.com'));
  const property = await client.crm.properties.coreApi.getByName('contacts', 'hubspot_owner_id');
  assert.equal(property.referencedObjectType, 'OWNER');
  const made = await client.crm.properties.coreApi.create('contacts', { name: `p_${process.pid}`, label: 'P', type: 'string', fieldType: 'text', groupName: 'contactinformation' });
  assert.equal(made.type, 'string');
  await assert.rejects(client.crm.properties.coreApi.create('contacts', { name: `p_${process.pid}`, label: 'P', type: 'string', fieldType: 'text', groupName: 'contactinformation' }), code(409));
  const pipelines = await client.crm.pipelines.pipelinesApi.getAll('deals');
  assert.ok(pipelines.results[0].stages.length > 1);
});

test('an OAuth app refreshes its token and uses it', async () => {
  const app = new Client({ basePath: url });
  const answer = await app.oauth.tokensApi.create('refresh_token', undefined, undefined, client_id, client_secret, refresh_token);
  assert.equal(answer.tokenType, 'bearer');
  app.setAccessToken(answer.accessToken);
  assert.ok((await app.crm.contacts.basicApi.getPage(1)).results.length <= 1);
  await assert.rejects(app.oauth.tokensApi.create('refresh_token', undefined, undefined, client_id, client_secret, 'na1-wrong'), code(400));
});

test('an app is installed, and its code is good once', async () => {
  const app = new Client({ basePath: url });
  const redirect = 'http://localhost:3000/oauth-callback';
  const page = new URL(app.oauth.getAuthorizationUrl(client_id, redirect, 'oauth crm.objects.contacts.read', undefined, 'here'));
  const approved = await fetch(url + page.pathname + page.search, { redirect: 'manual' });
  const back = new URL(approved.headers.get('location'));
  assert.equal(back.searchParams.get('state'), 'here');
  const exchange = () => app.oauth.tokensApi.create('authorization_code', back.searchParams.get('code'), redirect, client_id, client_secret);
  app.setAccessToken((await exchange()).accessToken);
  assert.ok((await app.crm.contacts.basicApi.getPage(1)).results.length <= 1);
  await assert.rejects(app.crm.companies.basicApi.getPage(1), code(403));
  await assert.rejects(exchange(), code(400));
});

test('a wrong token is refused', async () => {
  const other = new Client({ accessToken: 'pat-na1-00000000-0000-0000-0000-000000000000', basePath: url });
  await assert.rejects(other.crm.contacts.basicApi.getPage(1), code(401));
});
