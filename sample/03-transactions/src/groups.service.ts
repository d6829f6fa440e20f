import { setTimeout } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Background, print, timedQuery } from 'nestjs-background';
import { Repository } from 'typeorm';
import { Group } from './group.entity.js';

/** How long the work takes, in ms; the test shortens it. */
const WORK = Number(process.env.WORK ?? 3000);

@Injectable()
export class GroupsService {
  constructor(@InjectRepository(Group) private readonly groups: Repository<Group>) {}

  /** In a transaction of its own: the injected repository joins it without being told. */
  @Background()
  async rename(id: number, fails: boolean): Promise<void> {
    const group = await timedQuery(() => this.groups.findOneBy({ id }));
    print(`Found group ${group.id}, named "${group.name}".`);
    group.name = 'Prova';
    await this.groups.save(group);
    print('Renamed it to "Prova". Nobody else sees that yet: look at /groups.');
    await setTimeout(WORK);
    if (fails) throw new Error('Something went wrong, so the new name is undone.');
    print('Done. Now everybody sees it.');
  }
}
