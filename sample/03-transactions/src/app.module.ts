import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BackgroundModule } from 'nestjs-background';
import type { DataSourceOptions } from 'typeorm';
import { Group } from './group.entity.js';
import { GroupsController } from './groups.controller.js';
import { GroupsService } from './groups.service.js';

/** A SQLite file, or PostgreSQL where `PG_URL` is set. */
const DATABASE: DataSourceOptions = process.env.PG_URL
  ? { type: 'postgres', url: process.env.PG_URL }
  : {
      type: 'better-sqlite3',
      database: process.env.SQLITE_FILE ?? 'groups.sqlite',
      enableWAL: true,
    };

@Module({
  imports: [
    // `synchronize` makes the tables of a sample; in earnest, use migrations.
    TypeOrmModule.forRoot({ ...DATABASE, entities: [Group], synchronize: true }),
    TypeOrmModule.forFeature([Group]),
    BackgroundModule.forRoot(),
  ],
  controllers: [GroupsController],
  providers: [GroupsService],
})
export class AppModule {}
