import { Controller, Get, Query } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { Backgrounder, print } from 'nestjs-background';
import { DataSource } from 'typeorm';
import { Group } from './group.entity.js';
import { GroupsService } from './groups.service.js';

@Controller()
export class GroupsController {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly groups: GroupsService,
  ) {}

  /** Creates a group in the request's transaction, and starts a job that renames it: after the commit, not before. */
  @Backgrounder()
  @Get()
  async create(@Query('name') name = 'test_group', @Query('fail') fail?: string): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const group = await manager.save(manager.create(Group, { name }));
      print(`Created group ${group.id}, named "${group.name}".`);
      this.groups.rename(group.id, fail === '1');
    });
  }

  @Get('groups')
  list(): Promise<Group[]> {
    return this.dataSource.getRepository(Group).find({ order: { id: 'ASC' } });
  }
}
